-- Seeds of a bucket of everybody who has sessions: all ids of their events.
INSERT INTO seeds
SELECT DISTINCT
    actor AS id,
    known
FROM session_events
WHERE actor != '' AND cityHash64(actor) % {buckets:UInt32} = {bucket:UInt32};
