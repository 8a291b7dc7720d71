-- Days of receipt of which `arrivals` knows more events than `events_raw` holds.
SELECT
    day,
    toUInt64(sum(arrived)) AS expected,
    toUInt64(sum(held)) AS found
FROM
(
    SELECT
        toDate(fromUnixTimestamp64Micro(toInt64(bitShiftRight(first, 12)), 'UTC'), 'UTC') AS day,
        count() AS arrived,
        0 AS held
    FROM
    (
        SELECT min(arrival) AS first
        FROM arrivals
        GROUP BY
            source,
            event_id
    )
    WHERE first < {before:UInt64}
    GROUP BY day
    UNION ALL
    SELECT
        toDate(fromUnixTimestamp64Micro(toInt64(bitShiftRight(arrival, 12)), 'UTC'), 'UTC') AS day,
        0,
        count()
    FROM events_raw FINAL
    WHERE arrival < {before:UInt64}
    GROUP BY day
)
WHERE day > {kept_after:Date}
GROUP BY day
HAVING expected > found
ORDER BY day
SETTINGS optimize_aggregation_in_order = 1, max_threads = 1;
