-- action_results: one row an action of the team: what the conversion that it should move was in as
-- many days before its start, what it is in its window, and who of its audience moved on.
-- Inputs: `actions`, `stage_entries`, `stays`, under the version of the funnel in force on the first
-- day of the action. Conversions are on period basis: entries into `stage` over entries into
-- `from_stage` of the same days, so they may pass 1. The audience are the residents of a stage as the
-- first day begins, a person once in each track and intake; they moved on when they entered `stage`
-- within the window. Days are those of the report timezone, `ends_on` included.
-- status: `planned` before the first day, `running` until the last one is over, then `no data`
-- without entries into `from_stage`, `guardrail broken` below the guardrail, `met` or `missed`.
-- Duplicates and late events: as in `stage_entries`; a late event changes the figure of its time.
CREATE OR REPLACE VIEW action_results
(
    action                   String COMMENT 'the action',
    title                    String,
    title_ko                 String,
    hypothesis               String COMMENT 'why it should work',
    funnel                   String COMMENT 'the funnel that it is about',
    product                  String COMMENT 'the product of the funnel',
    track                    String COMMENT 'empty for all tracks together',
    starts_on                Date COMMENT 'its first day',
    ends_on                  Date COMMENT 'its last day',
    from_stage               String COMMENT 'where the conversion starts from',
    stage                    String COMMENT 'where it leads to',
    success                  Float64 COMMENT 'the share that it should reach',
    guardrail                Nullable(Float64) COMMENT 'the share below which it did harm',
    entries_before           UInt64 COMMENT 'entries into stage in as many days before the start',
    from_entries_before      UInt64 COMMENT 'entries into from_stage in those days',
    conversion_period_before Nullable(Float64) COMMENT 'the one over the other',
    entries                  UInt64 COMMENT 'entries into stage in the window',
    from_entries             UInt64 COMMENT 'entries into from_stage in the window',
    conversion_period        Nullable(Float64) COMMENT 'the one over the other',
    change                   Nullable(Float64) COMMENT 'conversion in the window less the one before',
    audience_stage           String COMMENT 'whose residents the audience are',
    audience                 UInt64 COMMENT 'how many they were',
    moved_on                 UInt64 COMMENT 'how many of them entered stage in the window',
    moved_on_share           Nullable(Float64) COMMENT 'moved_on / audience',
    status                   String COMMENT 'planned, running, met, missed, guardrail broken or no data'
)
AS
WITH
    toDate(now(), '${timezone}') AS today,
    watched AS
    (
        SELECT
            actions.*,
            build,
            toDateTime64(starts_on, 6, '${timezone}') AS starts_at,
            toDateTime64(starts_on + window_days, 6, '${timezone}') AS ends_at,
            toDateTime64(starts_on - window_days, 6, '${timezone}') AS before_at
        FROM actions
        INNER JOIN funnels ON actions.funnel = funnels.funnel
        WHERE starts_on BETWEEN valid_from AND valid_until
    ),
    figures AS
    (
        SELECT
            action,
            countIf(entered.stage = watched.stage AND entered_at < starts_at) AS entries_before,
            countIf(entered.stage = from_stage AND entered_at < starts_at) AS from_entries_before,
            countIf(entered.stage = watched.stage AND entered_at >= starts_at) AS entries,
            countIf(entered.stage = from_stage AND entered_at >= starts_at) AS from_entries
        FROM stage_entries AS entered
        INNER JOIN watched ON entered.build = watched.build
        WHERE entered.stage IN (SELECT arrayJoin([from_stage, stage]) FROM actions)
            AND (watched.track = '' OR entered.track = watched.track)
            AND entered_at >= before_at
            AND entered_at < ends_at
        GROUP BY action
    ),
    goals AS
    (
        SELECT
            action,
            person_id,
            known,
            groupArray((entered.track, entered.cohort)) AS reached
        FROM stage_entries AS entered
        INNER JOIN watched ON entered.build = watched.build AND entered.stage = watched.stage
        WHERE entered.stage IN (SELECT stage FROM actions)
            AND entered_at >= starts_at
            AND entered_at < ends_at
        GROUP BY
            action,
            person_id,
            known
    ),
    residents AS
    (
        SELECT
            action,
            person_id,
            known,
            stays.track AS track,
            cohort
        FROM stays
        INNER JOIN watched ON stays.build = watched.build AND stays.stage = watched.audience
        WHERE stays.stage IN (SELECT audience FROM actions)
            AND (watched.track = '' OR stays.track = watched.track)
            AND since <= starts_at
            AND ifNull(until > starts_at, true)
    ),
    audiences AS
    (
        SELECT
            action,
            count() AS audience,
            countIf(
                arrayExists(
                    one -> (one.1 = track OR one.1 = '' OR track = '')
                        AND (one.2 = cohort OR one.2 = '' OR cohort = ''),
                    reached
                )
            ) AS moved_on
        FROM residents
        LEFT JOIN goals
            ON residents.action = goals.action
            AND residents.person_id = goals.person_id
            AND residents.known = goals.known
        GROUP BY action
    )
SELECT
    actions.action AS action,
    title,
    title_ko,
    hypothesis,
    funnel,
    product,
    track,
    starts_on,
    starts_on + window_days - 1 AS ends_on,
    from_stage,
    stage,
    success,
    guardrail,
    entries_before,
    from_entries_before,
    entries_before / nullIf(from_entries_before, 0) AS conversion_period_before,
    entries,
    from_entries,
    entries / nullIf(from_entries, 0) AS conversion_period,
    conversion_period - conversion_period_before AS change,
    actions.audience AS audience_stage,
    audiences.audience AS audience,
    moved_on,
    moved_on / nullIf(audiences.audience, 0) AS moved_on_share,
    multiIf(
        today < starts_on, 'planned',
        today <= ends_on, 'running',
        conversion_period IS NULL, 'no data',
        ifNull(conversion_period < guardrail, false), 'guardrail broken',
        conversion_period >= success, 'met',
        'missed'
    ) AS status
FROM actions
LEFT JOIN figures ON actions.action = figures.action
LEFT JOIN audiences ON actions.action = audiences.action;
