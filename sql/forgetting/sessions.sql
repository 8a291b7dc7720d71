-- The session ids that only events of the person bear.
INSERT INTO forget_ids (kind, id)
WITH theirs AS
    (
        SELECT session_id
        FROM events_raw
        WHERE session_id != '' AND (source, event_id) IN (SELECT source, event_id FROM forget_events)
        UNION DISTINCT
        SELECT session_id
        FROM session_events
        WHERE session_id != '' AND (source, event_id) IN (SELECT source, event_id FROM forget_events)
    )
SELECT
    'session',
    session_id
FROM theirs
WHERE session_id NOT IN (
    SELECT session_id
    FROM session_events
    WHERE session_id IN (SELECT session_id FROM theirs)
        AND (source, event_id) NOT IN (SELECT source, event_id FROM forget_events)
);
