-- arrivals_mv: notes the arrival of each row inserted into events_raw.
CREATE MATERIALIZED VIEW IF NOT EXISTS arrivals_mv TO arrivals AS
SELECT
    source,
    event_id,
    arrival
FROM events_raw;
