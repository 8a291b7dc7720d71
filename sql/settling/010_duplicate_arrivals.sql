-- Notes the copies that came after the first one, of events that the load brought a copy of. Ids are
-- looked for without their source, at a third of the cost: where another source has the same one, it
-- is looked at in vain.
INSERT INTO duplicate_arrivals (source, event_id, arrival, first_arrival)
WITH
    repeated AS
    (
        SELECT event_id
        FROM arrivals
        WHERE event_id IN (SELECT event_id FROM touched)
        GROUP BY event_id
        HAVING count() > 1
    )
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
    WHERE event_id IN (SELECT event_id FROM repeated)
    GROUP BY
        source,
        event_id
    HAVING length(copies) > 1
);
