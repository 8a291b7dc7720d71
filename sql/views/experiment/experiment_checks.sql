-- experiment_checks: one row a check and variant of an experiment, as of the end of a day: of how
-- many units how many have what they should, or should not.
-- Parameters: experiment, as_of. Columns: gate, position (of a step or a pair), name, variant,
-- units, having.
-- recent: first exposed within the last 7 days. contaminated: saw two variants. followed: any event
-- but exposures after the first exposure, asked of some hundreds of units where there are thousands.
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
        SELECT greatest(intDiv(count(), 2000), 1)
        FROM experiment_exposures_raw
        WHERE experiment = {experiment:String}
    ),
    looked_at AS
    (
        SELECT
            unit,
            exposed_at,
            devices,
            names,
            ids
        FROM experiment_exposures(experiment = {experiment:String}, as_of = {as_of:Date})
        WHERE cityHash64(unit) % (SELECT * FROM one_of) = 0
    ),
    actors AS
    (
        SELECT arrayJoin(arrayConcat(
            arrayMap(device -> (device, false), devices),
            arrayMap(name -> (name.2, true), arrayFilter(name -> name.1 = 'user', names))
        )) AS actor
        FROM looked_at
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
        WHERE (actor, known) IN (SELECT actor.1, actor.2 FROM actors)
            AND event_name != 'experiment_viewed'
            AND event_time < (SELECT * FROM known_as_of)
        GROUP BY id
    ),
    followers AS
    (
        SELECT unit
        FROM
        (
            SELECT
                unit,
                exposed_at,
                arrayJoin(ids) AS id
            FROM looked_at
        ) AS those
        INNER JOIN active ON those.id = active.id
        WHERE last_at > exposed_at
    ),
    refused AS
    (
        SELECT arrayJoin(names) AS id
        FROM rejected_raw FINAL
        WHERE NOT replayed
            AND event_time >= (SELECT * FROM begin)
            AND event_time < (SELECT * FROM known_as_of)
    )
SELECT
    check.1 AS gate,
    check.2 AS position,
    check.3 AS name,
    variant,
    of_units AS units,
    of_them AS having
FROM
(
    SELECT
        variant,
        sumForEach(arrayMap(one -> toUInt64(one.1), asked)) AS all_units,
        sumForEach(arrayMap(one -> toUInt64(one.1 AND one.2), asked)) AS all_having
    FROM
    (
        SELECT
            variant,
            arrayConcat(
                [
                    (true, exposed_at >= (SELECT * FROM known_as_of) - toIntervalDay(7)),
                    (true, contaminated),
                    (cityHash64(unit) % (SELECT * FROM one_of) = 0, unit IN (SELECT unit FROM followers)),
                    (true, arrayExists(id -> id IN (SELECT id FROM refused), ids))
                ],
                arrayMap(
                    event -> (
                        event.1 = 'step' OR arrayExists(
                            signal -> signal.1 = 'server' AND signal.2 = event.2 AND signal.3 > counted_from,
                            signals
                        ),
                        arrayExists(signal -> signal.1 = event.1 AND signal.2 = event.2, signals)
                    ),
                    (SELECT * FROM looked_for)
                )
            ) AS asked
        FROM experiment_units(experiment = {experiment:String}, as_of = {as_of:Date})
    )
    GROUP BY variant
)
ARRAY JOIN
    arrayConcat(
        [('recent', 0, ''), ('contaminated', 0, ''), ('followed', 0, ''), ('rejected', 0, '')],
        arrayMap(
            event -> (if(event.1 = 'browser', 'pair', event.1), event.2, event.3),
            (SELECT * FROM looked_for)
        )
    ) AS check,
    all_units AS of_units,
    all_having AS of_them;
