-- Days on which the ledger does not add up: more was received than went anywhere, or less.
SELECT
    toDate(minute, 'UTC') AS day,
    sum(ledger.received) AS expected,
    sum(ledger.received) - sum(ledger.unaccounted) AS found
FROM ledger_minutely AS ledger
WHERE minute < fromUnixTimestamp64Micro(toInt64(bitShiftRight({before:UInt64}, 12)), 'UTC')
GROUP BY day
HAVING sum(abs(ledger.unaccounted)) > 0
ORDER BY day;
