-- ledger_minutely: one row a source and minute of receipt, what came beside where it went.
-- Once the spool has drained, received = loaded + rejected + duplicate; `unaccounted` is what is
-- missing, and anything but 0 is a fault of this product. Events still in the spool are in no
-- column yet: `received` comes into the warehouse with the rows it is compared with.
-- Duplicates: each copy of an event counts in the minute in which that copy came.
CREATE OR REPLACE VIEW ledger_minutely AS
SELECT
    source,
    minute,
    sum(received_events) AS received,
    sum(landed_events) - sum(duplicate_copies) AS loaded,
    sum(rejections) AS rejected,
    sum(duplicate_copies) AS duplicate,
    toInt64(received) - toInt64(loaded) - toInt64(rejected) - toInt64(duplicate) AS unaccounted
FROM
(
    SELECT
        source,
        minute,
        sum(events) AS received_events,
        0 AS landed_events,
        0 AS duplicate_copies,
        0 AS rejections
    FROM received_raw FINAL
    GROUP BY
        source,
        minute
    UNION ALL
    SELECT
        source,
        toStartOfMinute(fromUnixTimestamp64Micro(toInt64(bitShiftRight(arrival, 12)), 'UTC')) AS minute,
        0,
        count(),
        0,
        0
    FROM arrivals FINAL
    GROUP BY
        source,
        minute
    UNION ALL
    SELECT
        source,
        toStartOfMinute(received_at) AS minute,
        0,
        0,
        count(),
        0
    FROM duplicate_events
    GROUP BY
        source,
        minute
    UNION ALL
    SELECT
        source,
        toStartOfMinute(received_at) AS minute,
        0,
        0,
        0,
        count()
    FROM rejected_events
    GROUP BY
        source,
        minute
)
GROUP BY
    source,
    minute;
