-- onboarding_starts: one row a person's start of an onboarding in a track and intake, by every version
-- of the funnels that have a stage of the role start, with what came of it. The views of onboarding read
-- it; by segment, card_holder or channel it can be asked itself.
-- Inputs: `stage_entries`, `stages` (roles), `funnels`.
-- What goes together with the start counts: the same track and intake, or one that is left open. What
-- was reached before the start counts as reached at it; activity, features and tickets count from the
-- day of the start on. Days are those of the report timezone.
-- Duplicates and late events: as in `stage_entries`.
CREATE OR REPLACE VIEW onboarding_starts
(
    funnel          String COMMENT 'the funnel',
    funnel_version  UInt32 COMMENT 'its version',
    valid_from      Date COMMENT 'the first day on which reports go by this version',
    valid_until     Date32 COMMENT 'the last day',
    product         String COMMENT 'the product of the funnel',
    track           String COMMENT 'the track, empty where nobody told',
    cohort          String COMMENT 'the intake, empty where nobody told',
    segment         String COMMENT 'segment at the start',
    card_holder     String COMMENT 'true or false at the start, empty where nobody told',
    channel         String COMMENT 'channel at the start',
    person_id       String COMMENT 'the user, or the device as long as nobody logged in on it',
    known           Bool COMMENT 'whether person_id is a user',
    started_at      DateTime64(6, 'UTC') COMMENT 'entry into the stage of the role start',
    started_on      Date COMMENT 'its day',
    start_week      Date COMMENT 'the Monday of its week',
    value_at        Nullable(DateTime64(6, 'UTC')) COMMENT 'entry into the stage of the role value',
    activated_at    Nullable(DateTime64(6, 'UTC')) COMMENT 'entry into the stage of the role activation',
    within_days     UInt16 COMMENT 'how soon that must come to count, 0 without limit',
    completed_at    Nullable(DateTime64(6, 'UTC')) COMMENT 'entry into the stage of the role completion',
    active_days     Array(Date) COMMENT 'days with an event of the measure activity, in order',
    features        Array(Tuple(Date, String)) COMMENT 'days and features used on them, in order',
    ticket_days     Array(Date) COMMENT 'the day of each event of the measure ticket, in order'
)
AS
WITH
    (marks, start) -> arrayFilter(
        one -> (one.2 = start.2 OR one.2 = '' OR start.2 = '')
            AND (one.3 = start.3 OR one.3 = '' OR start.3 = ''),
        marks
    ) AS of_start,
    (marks, start) -> if(
        empty(of_start(marks, start)),
        NULL,
        greatest(arrayMin(one -> one.1, of_start(marks, start)), start.1)
    ) AS reached_at,
    (marks, start) -> arraySort(
        arrayFilter(
            one -> one.1 >= toDate(start.1, '${timezone}'),
            arrayMap(one -> (toDate(one.1, '${timezone}'), one.4), of_start(marks, start))
        )
    ) AS days_since,
    roles AS
    (
        SELECT
            build,
            stage,
            role,
            within_days
        FROM stages
        WHERE role != ''
    ),
    told AS
    (
        SELECT
            build,
            person_id,
            known,
            if(kind = 'measure', stage, role) AS told_of,
            repeated,
            (entered_at, track, cohort, detail) AS mark,
            (entered_at, track, cohort, segment, card_holder, channel) AS entry
        FROM stage_entries
        LEFT JOIN roles ON stage_entries.build = roles.build AND stage_entries.stage = roles.stage
        WHERE told_of != '' AND build IN (SELECT build FROM roles WHERE role = 'start')
    ),
    people AS
    (
        SELECT
            build,
            person_id,
            known,
            groupArrayIf(entry, told_of = 'start' AND NOT repeated) AS starts,
            groupArrayIf(mark, told_of = 'value') AS values,
            groupArrayIf(mark, told_of = 'activation') AS activations,
            groupArrayIf(mark, told_of = 'completion') AS completions,
            groupArrayIf(mark, told_of = 'activity') AS activity,
            groupArrayIf(mark, told_of = 'feature') AS uses,
            groupArrayIf(mark, told_of = 'ticket') AS tickets
        FROM told
        GROUP BY
            build,
            person_id,
            known
    )
SELECT
    funnels.funnel AS funnel,
    funnels.funnel_version AS funnel_version,
    valid_from,
    valid_until,
    product,
    start.2 AS track,
    start.3 AS cohort,
    start.4 AS segment,
    start.5 AS card_holder,
    start.6 AS channel,
    person_id,
    known,
    start.1 AS started_at,
    toDate(started_at, '${timezone}') AS started_on,
    toStartOfWeek(started_on, 1) AS start_week,
    reached_at(values, start) AS value_at,
    reached_at(activations, start) AS activated_at,
    activation.within_days AS within_days,
    reached_at(completions, start) AS completed_at,
    arrayDistinct(days_since(activity, start).1) AS active_days,
    arrayDistinct(days_since(uses, start)) AS features,
    days_since(tickets, start).1 AS ticket_days
FROM people
INNER JOIN funnels ON people.build = funnels.build
LEFT JOIN (SELECT * FROM roles WHERE role = 'activation') AS activation ON people.build = activation.build
ARRAY JOIN starts AS start;
