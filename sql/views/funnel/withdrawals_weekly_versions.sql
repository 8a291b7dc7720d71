-- withdrawals_weekly_versions: one row a version of a funnel, product, track, intake, week and stage
-- left from: `withdrawals_weekly` by every version; in_force tells the version in force on the week's
-- first day. The other columns are as there.
-- Duplicates and late events: as in `stage_entries`.
CREATE OR REPLACE VIEW withdrawals_weekly_versions AS
WITH
    moment -> toStartOfWeek(toDate(moment, '${timezone}'), 1) AS week_of,
    (bounds, track, cohort, day) -> arraySort(
        arrayFilter(
            bound -> (bound.1 = '' OR bound.1 = cohort)
                AND (bound.2 = '' OR bound.2 = track)
                AND bound.3 <= day,
            bounds
        )
    ) AS holding,
    from_stages AS
    (
        SELECT
            build,
            track,
            cohort,
            week_of(entered_at) AS week,
            if(kind = 'step', stage, left_stage) AS stage,
            if(kind = 'step', '', detail) AS reason,
            countIf(kind = 'step') AS entries,
            countIf(kind = 'withdrawn') AS withdrawals
        FROM stage_entries
        WHERE kind IN ('step', 'withdrawn') AND NOT repeated
        GROUP BY ALL
    ),
    inquirers AS
    (
        SELECT
            build,
            arrayMin(groupArrayIf((entered_at, track, cohort), kind = 'measure')) AS inquiry,
            arraySort(groupArrayIf((entered_at, detail), kind = 'withdrawn')) AS exits,
            arraySlice(arrayFilter(exit -> exit.1 >= inquiry.1, exits), 1, 1) AS first_exit
        FROM stage_entries
        WHERE kind = 'withdrawn' OR kind = 'measure' AND stage = 'inquiry'
        GROUP BY
            build,
            person_id,
            known
        HAVING countIf(kind = 'measure') > 0
    ),
    after_inquiry AS
    (
        SELECT
            build,
            inquiry.2 AS track,
            inquiry.3 AS cohort,
            week_of(step.1) AS week,
            'inquiry' AS stage,
            step.2 AS reason,
            sum(step.3) AS entries,
            sum(step.4) AS withdrawals
        FROM inquirers
        ARRAY JOIN arrayConcat(
            [(inquiry.1, '', 1, 0)],
            arrayMap(exit -> (exit.1, toString(exit.2), 0, 1), first_exit)
        ) AS step
        GROUP BY ALL
    ),
    summed AS
    (
        SELECT
            build,
            track,
            cohort,
            week,
            stage,
            sum(entries) AS entries_period,
            sum(withdrawals) AS withdrawals_period,
            sumMapIf(map(reason, withdrawals), withdrawals > 0) AS reasons_period
        FROM
        (
            SELECT * FROM from_stages
            UNION ALL
            SELECT * FROM after_inquiry
        )
        GROUP BY ALL
    ),
    bounds AS
    (
        SELECT
            funnel,
            stage,
            groupArray((cohort, track, valid_from, value)) AS told
        FROM targets
        WHERE metric = 'withdrawals' AND role = 'target'
        GROUP BY
            funnel,
            stage
    )
SELECT
    funnels.funnel AS funnel,
    funnels.funnel_version AS funnel_version,
    week BETWEEN funnels.valid_from AND funnels.valid_until AS in_force,
    funnels.product AS product,
    summed.track AS track,
    summed.cohort AS cohort,
    week,
    stages.stage_position AS stage_position,
    summed.stage AS stage,
    stages.stage_label AS stage_label,
    entries_period,
    withdrawals_period,
    withdrawals_period / nullIf(entries_period, 0) AS share_period,
    reasons_period,
    arrayElementOrNull(holding(bounds.told, summed.track, summed.cohort, week).4, -1) AS target,
    share_period <= target AS target_met
FROM summed
INNER JOIN funnels ON summed.build = funnels.build
LEFT JOIN stages ON summed.build = stages.build AND summed.stage = stages.stage
LEFT JOIN bounds ON funnels.funnel = bounds.funnel AND summed.stage = bounds.stage
WHERE summed.build IN (SELECT build FROM stages WHERE kind = 'withdrawn');
