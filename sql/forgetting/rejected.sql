-- The rejected events that name the person, under whatever field. In what is no JSON the id counts
-- wherever it stands.
INSERT INTO forget_rejected (source, arrival, event_id)
WITH (SELECT groupArray(id) FROM forget_ids WHERE kind IN ('user', 'device')) AS ids
SELECT DISTINCT
    source,
    arrival,
    event_id
FROM rejected_raw
WHERE has(ids, JSONExtractString(payload, 'userId'))
    OR has(ids, JSONExtractString(payload, 'anonymousId'))
    OR has(ids, JSONExtractString(payload, 'previousId'))
    OR arrayExists(id -> position(payload, concat('"', id, '"')) > 0, ids)
    OR (NOT isValidJSON(payload) AND arrayExists(id -> position(payload, id) > 0, ids));
