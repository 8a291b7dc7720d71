-- aliases_mv: notes each alias call inserted into events_raw that names two ids.
CREATE MATERIALIZED VIEW IF NOT EXISTS aliases_mv TO aliases AS
SELECT
    source,
    event_id,
    arrival,
    JSONExtractString(payload, 'previousId') AS previous_id,
    user_id
FROM events_raw
WHERE event_type = 'alias';
