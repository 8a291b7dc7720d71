-- batch_events: one row an alias call, as if one load had brought all of them.
-- Reads: aliases.
-- Writes: batch_events.
-- Key: source, event_id, arrival.
INSERT INTO batch_events (source, event_id, arrival, event_type, user_id)
SELECT
    source,
    event_id,
    arrival,
    'alias',
    user_id
FROM aliases;
