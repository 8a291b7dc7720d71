-- Days of receipt of which `rejected_arrivals` knows more events than `rejected_raw` holds.
SELECT
    day,
    toUInt64(sum(arrived)) AS expected,
    toUInt64(sum(held)) AS found
FROM
(
    SELECT
        toDate(fromUnixTimestamp64Micro(toInt64(bitShiftRight(arrival, 12)), 'UTC'), 'UTC') AS day,
        count() AS arrived,
        0 AS held
    FROM rejected_arrivals FINAL
    WHERE arrival < {before:UInt64}
    GROUP BY day
    UNION ALL
    SELECT
        toDate(fromUnixTimestamp64Micro(toInt64(bitShiftRight(arrival, 12)), 'UTC'), 'UTC') AS day,
        0,
        count()
    FROM rejected_raw FINAL
    WHERE arrival < {before:UInt64}
    GROUP BY day
)
WHERE day > {kept_after:Date}
GROUP BY day
HAVING expected > found
ORDER BY day
SETTINGS max_threads = 1;
