-- aliases_mv: notes each alias call inserted into events_raw that names two ids. One whose former id
-- is that of the device from which it came is a login there, and joins nobody.
CREATE MATERIALIZED VIEW IF NOT EXISTS aliases_mv TO aliases AS
SELECT
    source,
    event_id,
    arrival,
    JSONExtractString(payload, 'previousId') AS previous_id,
    user_id
FROM events_raw
WHERE event_type = 'alias' AND user_id != '' AND previous_id NOT IN ('', user_id, anonymous_id);
