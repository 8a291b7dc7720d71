-- ledger_minutely: one row a source and minute of receipt, what came beside where it went.
-- received = loaded + rejected + duplicate + in_spool; `unaccounted` is what is missing from that
-- sum, and anything but 0 is a fault of this product. `received` is counted before the spool, and
-- told by the loader before it loads; what no loader has seen yet is in no column.
-- Events of test runs are counted as all others; of forgotten people the numbers alone are left.
-- What retention has dropped is still counted.
-- Duplicates: each copy of an event counts in the minute in which that copy came.
CREATE OR REPLACE VIEW ledger_minutely AS
WITH
    counts AS
    (
        SELECT
            source,
            minute,
            events AS received,
            if(segment IN (SELECT segment FROM landed_segments), 0, events) AS awaited,
            0 AS landed,
            0 AS rejected,
            0 AS duplicate
        FROM received_raw FINAL
        UNION ALL
        SELECT
            source,
            toStartOfMinute(fromUnixTimestamp64Micro(toInt64(bitShiftRight(arrival, 12)), 'UTC')),
            0,
            0,
            count(),
            0,
            0
        FROM arrivals FINAL
        GROUP BY 1, 2
        UNION ALL
        SELECT
            source,
            toStartOfMinute(fromUnixTimestamp64Micro(toInt64(bitShiftRight(arrival, 12)), 'UTC')),
            0,
            0,
            0,
            count(),
            0
        FROM rejected_arrivals FINAL
        WHERE NOT replayed
        GROUP BY 1, 2
        UNION ALL
        SELECT
            source,
            toStartOfMinute(received_at),
            0,
            0,
            0,
            0,
            count()
        FROM duplicate_events
        GROUP BY 1, 2
        UNION ALL
        SELECT
            source,
            toStartOfMinute(received_at),
            0,
            0,
            countIf(reason = ''),
            countIf(reason != ''),
            countIf(reason = '' AND (run, source, event_id, arrival) NOT IN (
                SELECT
                    run,
                    source,
                    event_id,
                    min(arrival)
                FROM run_events_raw
                WHERE reason = ''
                GROUP BY
                    run,
                    source,
                    event_id
            ))
        FROM run_events_raw FINAL
        GROUP BY 1, 2
        UNION ALL
        SELECT
            source,
            minute,
            0,
            0,
            sumIf(events, outcome = 'landed'),
            sumIf(events, outcome = 'rejected'),
            sumIf(events, outcome = 'duplicate')
        FROM forgotten_raw FINAL
        GROUP BY 1, 2
    ),
    sums AS
    (
        SELECT
            source,
            minute,
            toInt64(sum(counts.received)) AS received,
            toInt64(sum(counts.awaited)) AS awaited,
            toInt64(sum(counts.landed) - sum(counts.duplicate)) AS loaded,
            toInt64(sum(counts.rejected)) AS rejected,
            toInt64(sum(counts.duplicate)) AS duplicate
        FROM counts
        GROUP BY
            source,
            minute
    )
SELECT
    source,
    minute,
    received,
    loaded,
    rejected,
    duplicate,
    greatest(least(awaited, received - loaded - rejected - duplicate), 0) AS in_spool,
    received - loaded - rejected - duplicate - in_spool AS unaccounted
FROM sums;
