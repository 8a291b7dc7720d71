-- The copies among all these that lose to an earlier one, with those of other sources' events of the
-- same ids.
INSERT INTO copies
SELECT
    source,
    event_id,
    arrival
FROM duplicate_arrivals
WHERE event_id IN (
    SELECT event_id
    FROM
    (
        SELECT event_id FROM logins
        UNION ALL
        SELECT event_id FROM candidates
        UNION ALL
        SELECT event_id FROM seen
    )
);
