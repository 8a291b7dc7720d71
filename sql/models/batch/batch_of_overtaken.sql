-- batch_events: one row an id under which an event stood until a copy came that was received earlier.
-- Later copies lose the event, so that everything of these ids is recomputed. They are found by
-- reading all.
-- Reads: batch_events, duplicate_arrivals, stage_events, session_events, exposure_events, device_logins.
-- Writes: batch_events.
-- Key: user_id, anonymous_id.
INSERT INTO batch_events (event_type, server, user_id, anonymous_id)
WITH
    overtaken AS
    (
        SELECT
            source,
            event_id
        FROM duplicate_arrivals
        WHERE event_id IN (SELECT event_id FROM batch_events)
            AND (event_id, first_arrival) IN (SELECT event_id, arrival FROM batch_events)
            AND (event_id, arrival) NOT IN (SELECT event_id, arrival FROM batch_events)
    )
SELECT DISTINCT
    'whole',
    true,
    if(known, actor, ''),
    if(known, '', actor)
FROM
(
    SELECT
        actor,
        known
    FROM stage_events
    WHERE (source, event_id) IN (SELECT source, event_id FROM overtaken)
    UNION ALL
    SELECT
        actor,
        known
    FROM session_events
    WHERE (source, event_id) IN (SELECT source, event_id FROM overtaken)
    UNION ALL
    SELECT
        actor,
        known
    FROM exposure_events
    WHERE (source, event_id) IN (SELECT source, event_id FROM overtaken)
    UNION ALL
    SELECT
        arrayJoin([(anonymous_id, false), (user_id, true)]).1,
        arrayJoin([(anonymous_id, false), (user_id, true)]).2
    FROM device_logins
    WHERE (source, event_id) IN (SELECT source, event_id FROM overtaken)
)
WHERE actor != '';
