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
            unit,
            variant,
            person_id,
            known,
            counted_from,
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
    entries AS
    (
        SELECT
            metrics.position AS metric,
            person_id,
            known,
            entered_at AS at,
            if(metrics.kind = 'revenue', toFloat64(ifNull(amount, 0)), 1) AS amount
        FROM stage_entries
        INNER JOIN funnels ON stage_entries.build = funnels.build
        INNER JOIN metrics
            ON stage_entries.funnel = metrics.funnel
            AND stage_entries.stage = if(metrics.kind = 'revenue', 'revenue', metrics.stage)
        WHERE metrics.kind != 'count'
            AND (person_id, known) IN (SELECT person_id, known FROM counted)
            AND toDate(entered_at, '${timezone}') BETWEEN valid_from AND valid_until
            AND entered_at < (SELECT * FROM known_as_of)
    ),
    happened AS
    (
        SELECT
            entries.metric AS metric,
            unit,
            at,
            amount
        FROM counted
        INNER JOIN entries
            ON counted.person_id = entries.person_id
            AND counted.known = entries.known
        UNION ALL
        SELECT
            position,
            unit,
            event_time,
            1
        FROM experiment_signals(experiment = {experiment:String}, as_of = {as_of:Date})
        WHERE role = 'metric'
    ),
    summed AS
    (
        SELECT
            metrics.position AS metric,
            happened.unit AS unit,
            sumIf(
                amount,
                at > counted_from
                AND at <= counted_until
                AND (days = 0 OR at < counted_from + toIntervalDay(days))
            ) AS amount,
            sumIf(
                happened.amount,
                at <= counted_from AND at > counted_from - toIntervalDay(28) AND NOT kind LIKE 'stage%'
            ) AS earlier
        FROM happened
        INNER JOIN counted ON happened.unit = counted.unit
        INNER JOIN metrics ON happened.metric = metrics.position
        GROUP BY
            metric,
            unit
    ),
    visited AS
    (
        SELECT
            unit,
            count() AS sessions
        FROM counted
        INNER JOIN sessions
            ON counted.person_id = sessions.person_id
            AND counted.known = sessions.known
        WHERE ended_at >= counted_from AND started_at < (SELECT * FROM known_as_of)
        GROUP BY unit
    )
SELECT
    metrics.position AS metric,
    counted.unit AS unit,
    variant,
    if(kind LIKE 'stage%', toFloat64(summed.amount > 0), summed.amount) AS amount,
    if(per_session, greatest(visited.sessions, 1), 1) AS sessions,
    summed.earlier AS earlier
FROM counted
CROSS JOIN metrics
LEFT JOIN summed ON counted.unit = summed.unit AND metrics.position = summed.metric
LEFT JOIN visited ON counted.unit = visited.unit
WHERE days = 0 OR counted_from + toIntervalDay(days) <= (SELECT * FROM known_as_of);
