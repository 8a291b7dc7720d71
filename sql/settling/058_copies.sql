-- The copies among all these that lose to an earlier one.
INSERT INTO copies
SELECT
    source,
    event_id,
    arrival
FROM duplicate_arrivals
WHERE (source, event_id) IN (
    SELECT
        source,
        event_id
    FROM
    (
        SELECT
            source,
            event_id
        FROM logins
        UNION ALL
        SELECT
            source,
            event_id
        FROM candidates
        UNION ALL
        SELECT
            source,
            event_id
        FROM seen
    )
);
