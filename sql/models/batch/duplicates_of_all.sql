-- duplicate_arrivals: one row a copy of an event that came after the first one, of all events: as for
-- a load, in order of the key.
-- Reads: arrivals.
-- Writes: duplicate_arrivals.
-- Key: source, event_id, arrival.
INSERT INTO duplicate_arrivals (source, event_id, arrival, first_arrival)
SELECT
    source,
    event_id,
    arrayJoin(arraySlice(copies, 2)) AS arrival,
    copies[1] AS first_arrival
FROM
(
    SELECT
        source,
        event_id,
        arraySort(groupUniqArray(arrivals.arrival)) AS copies
    FROM arrivals
    GROUP BY
        source,
        event_id
    HAVING length(copies) > 1
)
SETTINGS
    max_threads = 1,
    optimize_aggregation_in_order = 1;
