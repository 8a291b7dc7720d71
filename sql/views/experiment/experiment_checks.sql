-- experiment_checks: one row a check and variant of an experiment, as of the end of a day: of how
-- many units how many have what they should, or should not.
-- Parameters: experiment, as_of. Columns: gate, position (of a step or a pair), name, variant,
-- units, having.
-- contaminated: saw two variants. followed: any event but exposures after the first exposure.
-- rejected: an event of theirs was rejected since the experiment began. step: the event came since
-- the experiment began. pair: of the units with the server's event after counted_from, those with
-- the browser's event since the experiment began.
-- Duplicates: each unit counts once, whatever is doubled. Late events and logins count where they
-- belong; what was rejected and replayed since is not rejected.
CREATE OR REPLACE VIEW experiment_checks AS
WITH
    plan AS
    (
        SELECT toDateTime64(starts_on, 6, '${timezone}') AS starts_at
        FROM experiments
        WHERE experiment = {experiment:String}
    ),
    known_as_of AS
    (
        SELECT toDateTime64({as_of:Date} + 1, 6, '${timezone}')
    ),
    units AS
    (
        SELECT *
        FROM experiment_units(experiment = {experiment:String}, as_of = {as_of:Date})
    ),
    ids AS
    (
        SELECT
            kind,
            id,
            arrayJoin(units) AS unit
        FROM experiment_ids(experiment = {experiment:String}, as_of = {as_of:Date})
    ),
    signals AS
    (
        SELECT
            unit,
            groupUniqArrayIf(position, role = 'step') AS steps,
            groupUniqArrayIf(position, role = 'browser') AS browsers,
            maxMapIf(map(position, event_time), role = 'server') AS servers
        FROM experiment_signals(experiment = {experiment:String}, as_of = {as_of:Date})
        WHERE role IN ('step', 'browser', 'server')
            AND event_time >= (SELECT starts_at FROM plan)
        GROUP BY unit
    ),
    last_seen AS
    (
        SELECT
            unit,
            max(last_at) AS last_at
        FROM
        (
            SELECT
                if(known, 'user', 'device') AS kind,
                actor AS id,
                max(event_time) AS last_at
            FROM session_events
            WHERE event_name != 'experiment_viewed'
                AND event_time < (SELECT * FROM known_as_of)
                AND actor IN (SELECT id FROM ids WHERE kind != 'session')
            GROUP BY
                kind,
                id
            UNION ALL
            SELECT
                'session',
                session_id,
                max(event_time)
            FROM session_events
            WHERE event_name != 'experiment_viewed'
                AND event_time < (SELECT * FROM known_as_of)
                AND session_id IN (SELECT id FROM ids WHERE kind = 'session')
            GROUP BY session_id
        ) AS seen
        INNER JOIN ids ON seen.kind = ids.kind AND seen.id = ids.id
        GROUP BY unit
    ),
    refused AS
    (
        SELECT DISTINCT unit
        FROM rejected_raw FINAL
        ARRAY JOIN [
            ('device', JSONExtractString(payload, 'anonymousId')),
            ('session', JSONExtractString(payload, 'context', 'sessionId')),
            ('user', JSONExtractString(payload, 'userId'))
        ] AS name
        INNER JOIN ids ON name.1 = ids.kind AND name.2 = ids.id
        WHERE NOT replayed
            AND event_time >= (SELECT starts_at FROM plan)
            AND event_time < (SELECT * FROM known_as_of)
    ),
    looked_for AS
    (
        SELECT
            role,
            position,
            event
        FROM experiment_events
        WHERE experiment = {experiment:String} AND role IN ('step', 'browser')
    )
SELECT
    checked.1 AS gate,
    0 AS position,
    '' AS name,
    variant,
    count() AS units,
    sum(checked.2) AS having
FROM units
LEFT JOIN last_seen ON units.unit = last_seen.unit
ARRAY JOIN [
    ('contaminated', contaminated),
    ('followed', last_seen.last_at > exposed_at),
    ('rejected', units.unit IN (SELECT unit FROM refused))
] AS checked
GROUP BY
    gate,
    variant
UNION ALL
SELECT
    if(role = 'browser', 'pair', role),
    position,
    event,
    variant,
    countIf(asked),
    countIf(asked AND answered)
FROM
(
    SELECT
        variant,
        role,
        position,
        event,
        role = 'step' OR servers[position] > counted_from AS asked,
        has(if(role = 'step', steps, browsers), position) AS answered
    FROM units
    CROSS JOIN looked_for
    LEFT JOIN signals ON units.unit = signals.unit
) AS answers
GROUP BY
    role,
    position,
    event,
    variant;
