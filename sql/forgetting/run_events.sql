-- The events of test runs that name the person, under whatever field.
INSERT INTO forget_run_events (source, event_id, arrival)
WITH (SELECT groupArray(id) FROM forget_ids WHERE kind IN ('user', 'device')) AS ids
SELECT DISTINCT
    source,
    event_id,
    arrival
FROM run_events_raw
WHERE has(ids, user_id)
    OR has(ids, anonymous_id)
    OR has(ids, JSONExtractString(payload, 'userId'))
    OR has(ids, JSONExtractString(payload, 'anonymousId'))
    OR has(ids, JSONExtractString(payload, 'previousId'))
    OR arrayExists(id -> position(payload, concat('"', id, '"')) > 0, ids)
    OR (NOT isValidJSON(payload) AND arrayExists(id -> position(payload, id) > 0, ids));
