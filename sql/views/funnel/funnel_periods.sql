-- funnel_periods: one row a funnel version, product, track, period and stage; the views by week and
-- by day read it. Parameters: unit, `week` (Monday to Sunday) or `day`; split, which gives a row to
-- each cohort (intake), segment, card holding and channel; without it those are empty.
-- Period basis: `entries` are the first entries of people into the stage in the period, under the
-- dimensions that they had then, and `step_conversion_period` divides them by the entries of the
-- step before, so it may pass 1.
-- Cohort basis: of those who entered stage one in the period and with these dimensions
-- (`started_cohort`), `reached_cohort` ever entered this stage and `reached_7d_cohort` … did so
-- within 7, 14 and 30 days of their start, or before it; young periods are still growing.
-- All counts add up over dimensions and over days; shares do not, divide their sums.
-- Every stage has a row in each period in which anyone of these dimensions entered any stage.
-- Stages that end residence have no step conversion and are nobody's step before.
-- in_force: whether reports of the period go by this version, the one in force on its first day.
-- Duplicates and late events: as in `stage_entries`.
CREATE OR REPLACE VIEW funnel_periods AS
WITH
    (at) -> if(
        {unit:String} = 'week',
        toStartOfWeek(toDate(at, '${timezone}'), 1),
        toDate(at, '${timezone}')
    ) AS period_of,
    steps AS
    (
        SELECT
            stages.* EXCEPT (role, within_days),
            valid_from,
            valid_until,
            if(
                kind = 'step',
                lagInFrame(stage_position) OVER (
                    PARTITION BY stages.build, kind
                    ORDER BY stage_position ASC
                    ROWS BETWEEN 1 PRECEDING AND CURRENT ROW
                ),
                0
            ) AS previous_position
        FROM stages
        INNER JOIN funnels ON stages.build = funnels.build
        WHERE kind != 'measure'
    ),
    -- Rows are grouped by one number for their texts, which takes half of the time.
    counted AS
    (
        SELECT
            any(build) AS of_build,
            stage_position,
            any(track) AS of_track,
            any(start_track) AS of_start_track,
            if({split:Bool}, any((cohort, segment, card_holder, channel)), ('', '', '', '')) AS split_of,
            if(
                {split:Bool},
                any((start_cohort, start_segment, start_card_holder, start_channel)),
                ('', '', '', '')
            ) AS start_split,
            period_of(entered_at) AS period,
            period_of(started_at) AS start_period,
            count() AS entered,
            countIf(first_of_start) AS reached,
            countIf(first_of_start AND entered_at < started_at + toIntervalDay(7)) AS reached_7d,
            countIf(first_of_start AND entered_at < started_at + toIntervalDay(14)) AS reached_14d,
            countIf(first_of_start AND entered_at < started_at + toIntervalDay(30)) AS reached_30d
        FROM stage_entries_raw FINAL
        WHERE stage_position > 0 AND build IN (SELECT build FROM funnels)
        GROUP BY
            stage_position,
            period,
            start_period,
            cityHash64(cityHash64(build), cityHash64(track), cityHash64(start_track)),
            if({split:Bool}, cityHash64(
                cityHash64(cohort),
                cityHash64(segment),
                cityHash64(card_holder),
                cityHash64(channel),
                cityHash64(start_cohort),
                cityHash64(start_segment),
                cityHash64(start_card_holder),
                cityHash64(start_channel)
            ), 0)
        SETTINGS optimize_move_to_prewhere_if_final = 1
    ),
    -- What was counted stands once where it entered, and once where it started.
    sides AS
    (
        SELECT
            of_build AS build,
            stage_position,
            arrayJoin([
                (of_track, split_of, toNullable(period), entered, 0, 0, 0, 0),
                (of_start_track, start_split, start_period, 0, reached, reached_7d, reached_14d, reached_30d)
            ]) AS side
        FROM counted
    ),
    stages_of_periods AS
    (
        SELECT
            build,
            side.1 AS track,
            side.2 AS dimensions,
            assumeNotNull(side.3) AS period,
            stage_position,
            sum(side.4) AS entered,
            sum(side.5) AS reached,
            sum(side.6) AS reached_7d,
            sum(side.7) AS reached_14d,
            sum(side.8) AS reached_30d
        FROM sides
        WHERE isNotNull(side.3) AND side.4 + side.5 > 0
        GROUP BY ALL
    ),
    periods AS
    (
        SELECT
            build,
            track,
            dimensions,
            period,
            groupArray((stage_position, entered, reached, reached_7d, reached_14d, reached_30d)) AS all_stages
        FROM stages_of_periods
        GROUP BY ALL
    ),
    filled AS
    (
        SELECT
            periods.* EXCEPT build,
            steps.* EXCEPT build,
            arrayFirst(one -> one.1 = stage_position, all_stages) AS this,
            arrayFirst(one -> one.1 = previous_position, all_stages) AS previous,
            arrayFirst(one -> one.1 = 1, all_stages) AS first
        FROM periods
        INNER JOIN steps ON periods.build = steps.build
    )
SELECT
    funnel,
    funnel_version,
    product,
    track,
    dimensions.1 AS cohort,
    dimensions.2 AS segment,
    dimensions.3 AS card_holder,
    dimensions.4 AS channel,
    period,
    stage_position,
    stage,
    stage_label,
    kind,
    lead,
    this.2 AS entries,
    if(previous_position = 0, NULL, previous.2) AS previous_entries,
    entries / nullIf(previous_entries, 0) AS step_conversion_period,
    first.3 AS started_cohort,
    this.3 AS reached_cohort,
    this.4 AS reached_7d_cohort,
    this.5 AS reached_14d_cohort,
    this.6 AS reached_30d_cohort,
    reached_cohort / nullIf(started_cohort, 0) AS share_cohort,
    reached_7d_cohort / nullIf(started_cohort, 0) AS share_7d_cohort,
    reached_14d_cohort / nullIf(started_cohort, 0) AS share_14d_cohort,
    reached_30d_cohort / nullIf(started_cohort, 0) AS share_30d_cohort,
    period BETWEEN valid_from AND valid_until AS in_force
FROM filled;
