-- All alias calls, as if one load had brought them.
INSERT INTO touched (source, event_id, arrival, user_id, anonymous_id)
SELECT
    source,
    event_id,
    arrival,
    user_id,
    previous_id
FROM aliases;
