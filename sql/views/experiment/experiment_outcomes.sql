-- experiment_outcomes: one row a unit and metric of an experiment, as of the end of a day.
-- Parameters: experiment, as_of. Columns: metric (its position), unit, variant, amount (1 or 0 where
-- the metric is a stage, KRW for revenue, events for a count), sessions (after the exposure, for
-- metrics by session), earlier (the same amount over 28 days before the exposure, for revenue and
-- counts).
-- Outcomes after counted_from count, those before it don't; contaminated units are left out. A metric
-- within days leaves out units whose days are not over. Entries are of the version in force on
-- their day and belong to the unit's person; in an experiment on sessions to the last session
-- exposed before them.
-- Duplicates and late events: as in `stage_entries` and `experiment_units`.
CREATE OR REPLACE VIEW experiment_outcomes AS
WITH
    counted AS
    (
        SELECT
            *,
            if(
                (SELECT unit FROM experiments WHERE experiment = {experiment:String}) = 'session',
                leadInFrame(counted_from, 1, toDateTime64('2299-12-31', 6, 'UTC')) OVER (
                    PARTITION BY person_id, known
                    ORDER BY counted_from ASC, unit ASC
                    ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING
                ),
                toDateTime64('2299-12-31', 6, 'UTC')
            ) AS counted_until
        FROM experiment_units(experiment = {experiment:String}, as_of = {as_of:Date})
        WHERE NOT contaminated
    ),
    exposed AS
    (
        SELECT DISTINCT
            person_id,
            known
        FROM experiment_exposures_raw
        WHERE experiment = {experiment:String}
    ),
    metrics AS
    (
        SELECT *
        FROM experiment_metrics
        WHERE experiment = {experiment:String}
    ),
    known_as_of AS
    (
        SELECT toDateTime64({as_of:Date} + 1, 6, '${timezone}')
    ),
    entered AS
    (
        SELECT
            person_id,
            known,
            groupArray((
                metrics.position,
                entered_at,
                if(metrics.kind = 'revenue', toFloat64(ifNull(amount, 0)), 1)
            )) AS entries
        FROM stage_entries
        INNER JOIN funnels ON stage_entries.build = funnels.build
        INNER JOIN metrics
            ON stage_entries.funnel = metrics.funnel
            AND stage_entries.stage = if(metrics.kind = 'revenue', 'revenue', metrics.stage)
        WHERE (person_id, known) IN (SELECT person_id, known FROM exposed)
            AND toDate(entered_at, '${timezone}') BETWEEN valid_from AND valid_until
            AND entered_at < (SELECT * FROM known_as_of)
        GROUP BY
            person_id,
            known
    ),
    visited AS
    (
        SELECT
            person_id,
            known,
            groupArray(ended_at) AS ends
        FROM sessions
        WHERE (SELECT count() FROM metrics WHERE per_session) > 0
            AND (person_id, known) IN (SELECT person_id, known FROM exposed)
            AND started_at < (SELECT * FROM known_as_of)
        GROUP BY
            person_id,
            known
    ),
    known_of AS
    (
        SELECT
            unit,
            variant,
            counted_from,
            counted_until,
            signals,
            entries,
            ends
        FROM counted
        LEFT JOIN entered ON counted.person_id = entered.person_id AND counted.known = entered.known
        LEFT JOIN visited ON counted.person_id = visited.person_id AND counted.known = visited.known
    )
SELECT
    metrics.position AS metric,
    unit,
    variant,
    arrayConcat(
        arrayFilter(entry -> entry.1 = metrics.position, entries),
        arrayMap(
            signal -> (signal.2, signal.3, toFloat64(1)),
            arrayFilter(signal -> signal.1 = 'metric' AND signal.2 = metrics.position, signals)
        )
    ) AS happened,
    arraySum(
        one -> one.3,
        arrayFilter(
            one -> one.2 > counted_from
                AND one.2 <= counted_until
                AND (days = 0 OR one.2 < counted_from + toIntervalDay(days)),
            happened
        )
    ) AS total,
    if(kind LIKE 'stage%', toFloat64(total > 0), total) AS amount,
    if(per_session, greatest(arrayCount(at -> at >= counted_from, ends), 1), 1) AS sessions,
    if(
        kind LIKE 'stage%',
        0,
        arraySum(
            one -> one.3,
            arrayFilter(
                one -> one.2 <= counted_from AND one.2 > counted_from - toIntervalDay(28),
                happened
            )
        )
    ) AS earlier
FROM known_of
CROSS JOIN metrics
WHERE days = 0 OR counted_from + toIntervalDay(days) <= (SELECT * FROM known_as_of);
