-- duplicate_arrivals: one row a copy of an event that came after the first one, of the events that
-- the load brought a copy of. Ids are looked for without their source, at a third of the cost: where
-- another source has the same one, it is looked at in vain.
-- Reads: batch_events, arrivals.
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
    WHERE event_id IN (SELECT event_id FROM batch_events)
    GROUP BY
        source,
        event_id
    HAVING length(copies) > 1
);
