-- rejected_arrivals_mv: notes the arrival of each row inserted into rejected_raw.
CREATE MATERIALIZED VIEW IF NOT EXISTS rejected_arrivals_mv TO rejected_arrivals AS
SELECT
    source,
    arrival,
    event_id,
    replayed
FROM rejected_raw;
