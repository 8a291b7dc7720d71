-- How many events of the person each minute had by outcome, as the ledger counts them.
INSERT INTO forget_counts (source, minute, outcome, events)
SELECT
    source,
    toStartOfMinute(fromUnixTimestamp64Micro(toInt64(bitShiftRight(arrival, 12)), 'UTC')) AS minute,
    'landed' AS outcome,
    count() AS events
FROM arrivals FINAL
WHERE (source, event_id) IN (SELECT source, event_id FROM forget_events)
GROUP BY
    source,
    minute
UNION ALL
SELECT
    source,
    toStartOfMinute(fromUnixTimestamp64Micro(toInt64(bitShiftRight(arrival, 12)), 'UTC')) AS minute,
    'duplicate',
    count()
FROM duplicate_arrivals FINAL
WHERE (source, event_id) IN (SELECT source, event_id FROM forget_events)
GROUP BY
    source,
    minute
UNION ALL
SELECT
    source,
    toStartOfMinute(fromUnixTimestamp64Micro(toInt64(bitShiftRight(arrival, 12)), 'UTC')) AS minute,
    'rejected',
    count()
FROM rejected_arrivals FINAL
WHERE NOT replayed
    AND (source, arrival, event_id) IN (SELECT source, arrival, event_id FROM forget_rejected)
GROUP BY
    source,
    minute
UNION ALL
SELECT
    source,
    toStartOfMinute(received_at) AS minute,
    if(reason = '', 'landed', 'rejected'),
    count()
FROM run_events_raw FINAL
WHERE (source, event_id, arrival) IN (SELECT source, event_id, arrival FROM forget_run_events)
GROUP BY ALL;
