-- experiment_checks: one row a check and variant of an experiment, as of the end of a day: of how
-- many units how many have what they should, or should not.
-- Parameters: experiment, as_of. Columns: gate, position (of a step or a pair), name, variant,
-- units, having.
-- recent: first exposed within the last 7 days. contaminated: saw two variants. followed: any event
-- but exposures after the first exposure, asked of some thousands of units where there are more.
-- rejected: an event of theirs was rejected since the experiment began. step: the event came since
-- the experiment began. pair: of the units with the server's event after counted_from, those with
-- the browser's event since the experiment began.
-- Duplicates: each unit counts once, whatever is doubled. Late events and logins count where they
-- belong; what was rejected and replayed since is not rejected.
CREATE OR REPLACE VIEW experiment_checks AS
WITH
    begin AS
    (
        SELECT toDateTime64(starts_on, 6, '${timezone}')
        FROM experiments
        WHERE experiment = {experiment:String}
    ),
    known_as_of AS
    (
        SELECT toDateTime64({as_of:Date} + 1, 6, '${timezone}')
    ),
    looked_for AS
    (
        SELECT groupArray((role, position, event))
        FROM experiment_events
        WHERE experiment = {experiment:String} AND role IN ('step', 'browser')
    ),
    by_session AS
    (
        SELECT count()
        FROM experiments
        WHERE experiment = {experiment:String} AND unit = 'session'
    ),
    one_of AS
    (
        SELECT greatest(intDiv(count(), 4000), 1)
        FROM experiment_exposures_raw
        WHERE experiment = {experiment:String}
    ),
    looked_at AS
    (
        SELECT
            arrayJoin(arrayConcat(
                arrayMap(device -> (device, false), devices),
                arrayMap(name -> (name.2, true), arrayFilter(name -> name.1 = 'user', names))
            )) AS actor
        FROM experiment_exposures(experiment = {experiment:String}, as_of = {as_of:Date})
        WHERE cityHash64(unit) % (SELECT * FROM one_of) = 0
    ),
    active AS
    (
        SELECT
            reinterpretAsUInt128(
                if(
                    (SELECT * FROM by_session) > 0,
                    sipHash128('session', session_id),
                    sipHash128(if(known, 'user', 'device'), actor)
                )
            ) AS id,
            max(event_time) AS last_at
        FROM session_events
        WHERE (actor, known) IN (SELECT actor.1, actor.2 FROM looked_at)
            AND event_name != 'experiment_viewed'
            AND event_time < (SELECT * FROM known_as_of)
        GROUP BY id
    ),
    refused AS
    (
        SELECT DISTINCT
            arrayJoin(names) AS id,
            true AS any_event
        FROM rejected_raw FINAL
        WHERE NOT replayed
            AND event_time >= (SELECT * FROM begin)
            AND event_time < (SELECT * FROM known_as_of)
    ),
    checked AS
    (
        SELECT
            unit,
            any(variant) AS variant,
            any(contaminated) AS contaminated,
            any(exposed_at) AS exposed_at,
            any(counted_from) AS counted_from,
            arrayFilter(signal -> signal.3 >= (SELECT * FROM begin), any(signals)) AS signals,
            cityHash64(unit) % (SELECT * FROM one_of) = 0 AS sampled,
            max(last_at) > exposed_at AS followed,
            max(any_event) AS rejected
        FROM
        (
            SELECT
                *,
                reinterpretAsUInt128(sipHash128(name.1, name.2)) AS id
            FROM experiment_units(experiment = {experiment:String}, as_of = {as_of:Date})
            ARRAY JOIN names AS name
        ) AS units
        LEFT JOIN active ON units.id = active.id
        LEFT JOIN refused ON units.id = refused.id
        GROUP BY unit
    )
SELECT
    checks.1 AS gate,
    checks.2 AS position,
    checks.3 AS name,
    variant,
    countIf(checks.4) AS units,
    countIf(checks.4 AND checks.5) AS having
FROM checked
ARRAY JOIN arrayConcat(
    [
        ('recent', 0, '', true, exposed_at >= (SELECT * FROM known_as_of) - toIntervalDay(7)),
        ('contaminated', 0, '', true, contaminated),
        ('followed', 0, '', sampled, followed),
        ('rejected', 0, '', true, rejected)
    ],
    arrayMap(
        event -> (
            if(event.1 = 'browser', 'pair', event.1),
            event.2,
            event.3,
            event.1 = 'step' OR arrayExists(
                signal -> signal.1 = 'server' AND signal.2 = event.2 AND signal.3 > counted_from,
                signals
            ),
            arrayExists(signal -> signal.1 = event.1 AND signal.2 = event.2, signals)
        ),
        (SELECT * FROM looked_for)
    )
) AS checks
GROUP BY
    gate,
    position,
    name,
    variant;
