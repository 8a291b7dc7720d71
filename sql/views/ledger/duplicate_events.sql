-- duplicate_events: one row a copy of an event that came after its first copy.
-- Duplicates: the copies themselves; a repeated load adds none.
CREATE OR REPLACE VIEW duplicate_events AS
SELECT
    source,
    event_id,
    first_arrival,
    arrival,
    fromUnixTimestamp64Micro(toInt64(bitShiftRight(arrival, 12)), 'UTC') AS received_at
FROM duplicate_arrivals FINAL;
