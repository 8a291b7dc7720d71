-- duplicate_events: one row a copy of an event that came after its first copy.
-- Duplicates: the copies themselves; a repeated load adds none. Reads arrivals in key order, so
-- memory does not grow with the number of events.
CREATE OR REPLACE VIEW duplicate_events AS
SELECT
    source,
    event_id,
    first_arrival,
    arrayJoin(arraySlice(copies, 2)) AS arrival,
    fromUnixTimestamp64Micro(toInt64(bitShiftRight(arrival, 12)), 'UTC') AS received_at
FROM
(
    SELECT
        source,
        event_id,
        arraySort(groupUniqArray(arrivals.arrival)) AS copies,
        copies[1] AS first_arrival
    FROM arrivals
    GROUP BY
        source,
        event_id
    HAVING length(copies) > 1
    SETTINGS optimize_aggregation_in_order = 1
);
