-- time_to_stage_versions_between: one row a stage and later stage as in `time_to_stage_between`, by
-- every version of the funnels; in_force tells the version in force on first_day. The other columns and
-- the parameters are as there.
-- Whoever stands at stage one never went on and is spared the search.
-- Duplicates and late events: as in `stage_entries`.
CREATE OR REPLACE VIEW time_to_stage_versions_between AS
WITH
    moment -> toDate(moment, '${timezone}') BETWEEN {first_day:Date} AND {last_day:Date} AS asked,
    (one, step) -> (one.track = step.track OR one.track = '' OR step.track = '')
        AND (one.cohort = step.cohort OR one.cohort = '' OR step.cohort = '') AS together,
    entered AS
    (
        SELECT
            build,
            stage_position,
            track,
            cohort,
            count() AS people
        FROM stage_entries
        WHERE kind = 'step' AND NOT repeated AND asked(entered_at)
        GROUP BY ALL
    ),
    journeys AS
    (
        SELECT
            build,
            CAST(
                arraySort(groupArray((stage_position, entered_at, track, cohort, repeated))),
                'Array(Tuple(
                    position UInt16,
                    entered_at DateTime64(6, \'UTC\'),
                    track String,
                    cohort String,
                    repeated Bool
                ))'
            ) AS steps
        FROM stage_entries
        WHERE kind = 'step' AND (stage_position > 1 OR left_at IS NOT NULL)
        GROUP BY
            funnel,
            funnel_version,
            build,
            person_id,
            known
        HAVING length(steps) > 1
        SETTINGS optimize_aggregation_in_order = 1
    ),
    ways AS
    (
        SELECT
            build,
            step.position AS from_position,
            step.track AS track,
            step.cohort AS cohort,
            arrayFilter(
                one -> one.position > step.position
                    AND one.entered_at >= step.entered_at
                    AND together(one, step),
                steps
            ) AS following,
            arrayFilter((one, nth) -> nth = 1, following, arrayEnumerateUniq(following.position)) AS firsts,
            firsts.position AS positions,
            arrayMap(one -> dateDiff('microsecond', step.entered_at, one.entered_at) / 86400000000, firsts) AS days
        FROM journeys
        ARRAY JOIN arrayFilter(one -> NOT one.repeated AND asked(one.entered_at), steps) AS step
    ),
    times AS
    (
        SELECT
            build,
            from_position,
            position,
            track,
            cohort,
            count() AS reached,
            quantilesExactInclusive(0.25, 0.5, 0.75, 0.9)(taken_days) AS quantiles,
            countIf(taken_days <= 1) AS within_1,
            countIf(taken_days <= 3) AS within_3,
            countIf(taken_days <= 7) AS within_7,
            countIf(taken_days <= 14) AS within_14,
            countIf(taken_days <= 30) AS within_30,
            countIf(taken_days <= {days:UInt16}) AS within
        FROM ways
        ARRAY JOIN
            positions AS position,
            days AS taken_days
        GROUP BY
            build,
            from_position,
            position,
            track,
            cohort
    )
SELECT
    from_stages.funnel AS funnel,
    from_stages.funnel_version AS funnel_version,
    entered.build IN (SELECT build FROM funnels WHERE {first_day:Date} BETWEEN valid_from AND valid_until) AS in_force,
    from_stages.product AS product,
    entered.track AS track,
    entered.cohort AS cohort,
    from_stages.stage_position AS from_position,
    from_stages.stage AS from_stage,
    to_stages.stage_position AS stage_position,
    to_stages.stage AS stage,
    people,
    times.reached AS reached,
    reached / people AS share_cohort,
    if(reached = 0, NULL, quantiles[1]) AS days_p25,
    if(reached = 0, NULL, quantiles[2]) AS days_median,
    if(reached = 0, NULL, quantiles[3]) AS days_p75,
    if(reached = 0, NULL, quantiles[4]) AS days_p90,
    within_1 / people AS share_within_1_day_cohort,
    within_3 / people AS share_within_3_days_cohort,
    within_7 / people AS share_within_7_days_cohort,
    within_14 / people AS share_within_14_days_cohort,
    within_30 / people AS share_within_30_days_cohort,
    within / people AS share_within_cohort
FROM entered
INNER JOIN stages AS from_stages
    ON entered.build = from_stages.build
    AND entered.stage_position = from_stages.stage_position
INNER JOIN stages AS to_stages
    ON entered.build = to_stages.build
    AND entered.stage_position < to_stages.stage_position
LEFT JOIN times
    ON entered.build = times.build
    AND entered.stage_position = times.from_position
    AND to_stages.stage_position = times.position
    AND entered.track = times.track
    AND entered.cohort = times.cohort
WHERE to_stages.kind = 'step';
