-- funnel_periods: one row a funnel version, product, track, period and stage; the views by week and
-- by day read it. Parameter: unit, `week` (Monday to Sunday) or `day`.
-- Period basis: `entries` are the first entries of people into the stage in the period, and
-- `step_conversion_period` divides them by the entries of the step before, so it may pass 1.
-- Cohort basis: of those who entered stage one in the period (`started_cohort`), `reached_cohort`
-- ever entered this stage and `reached_7d_cohort` … did so within 7, 14 and 30 days of their start.
-- Every stage has a row in each period in which anyone entered a stage of the track, or started.
-- Stages that end residence have no step conversion and are nobody's step before.
-- Duplicates and late events: as in `stage_entries`.
CREATE OR REPLACE VIEW funnel_periods AS
WITH
    counted AS
    (
        SELECT
            funnel,
            funnel_version,
            product,
            track AS entry_track,
            start_track,
            stage_position,
            stage,
            toDate(dateTrunc({unit:String}, toDate(entered_at, '${timezone}'))) AS entry_period,
            toDate(dateTrunc({unit:String}, toDate(ifNull(started_at, entered_at), '${timezone}'))) AS start_period,
            grouping(entry_period) = 1 AS is_start,
            count() AS entered,
            countIf(first_of_start) AS reached,
            countIf(first_of_start AND entered_at < started_at + toIntervalDay(7)) AS reached_7d,
            countIf(first_of_start AND entered_at < started_at + toIntervalDay(14)) AS reached_14d,
            countIf(first_of_start AND entered_at < started_at + toIntervalDay(30)) AS reached_30d
        FROM stage_entries_raw FINAL
        WHERE kind != 'measure' AND build IN (SELECT build FROM funnels)
        GROUP BY GROUPING SETS (
            (funnel, funnel_version, product, entry_track, stage_position, stage, entry_period),
            (funnel, funnel_version, product, start_track, stage_position, stage, start_period)
        )
    ),
    periods AS
    (
        SELECT
            funnel,
            funnel_version,
            product,
            if(is_start, start_track, entry_track) AS track,
            if(is_start, start_period, entry_period) AS period,
            groupArrayIf((stage_position, stage, entered), NOT is_start) AS entries_of,
            groupArrayIf(
                (stage_position, stage, reached, reached_7d, reached_14d, reached_30d),
                is_start AND reached > 0
            ) AS reached_of
        FROM counted
        GROUP BY ALL
        HAVING notEmpty(entries_of) OR notEmpty(reached_of)
    ),
    filled AS
    (
        SELECT
            periods.*,
            stages.stage_position AS stage_position,
            stages.stage AS stage,
            stages.stage_label AS stage_label,
            stages.kind AS kind,
            stages.lead AS lead,
            arrayFirst(one -> one.1 = stage_position AND one.2 = stage, entries_of).3 AS entries,
            arrayFirst(one -> one.1 = 1, reached_of).3 AS started_cohort,
            arrayFirst(one -> one.1 = stage_position AND one.2 = stage, reached_of) AS reached
        FROM periods
        INNER JOIN stages
            ON periods.funnel = stages.funnel
            AND periods.funnel_version = stages.funnel_version
        WHERE stages.kind != 'measure'
    )
SELECT
    funnel,
    funnel_version,
    product,
    track,
    period,
    stage_position,
    stage,
    stage_label,
    kind,
    lead,
    entries,
    if(
        kind = 'step' AND stage_position > 1,
        lagInFrame(entries) OVER (
            PARTITION BY funnel, funnel_version, product, track, period, kind
            ORDER BY stage_position ASC
            ROWS BETWEEN 1 PRECEDING AND CURRENT ROW
        ),
        NULL
    ) AS previous_entries,
    entries / nullIf(previous_entries, 0) AS step_conversion_period,
    started_cohort,
    reached.3 AS reached_cohort,
    reached.4 AS reached_7d_cohort,
    reached.5 AS reached_14d_cohort,
    reached.6 AS reached_30d_cohort,
    reached_cohort / nullIf(started_cohort, 0) AS share_cohort,
    reached_7d_cohort / nullIf(started_cohort, 0) AS share_7d_cohort,
    reached_14d_cohort / nullIf(started_cohort, 0) AS share_14d_cohort,
    reached_30d_cohort / nullIf(started_cohort, 0) AS share_30d_cohort
FROM filled;
