-- Seeds of a build from its beginning: all ids that reached a stage of it, one bucket at a time.
INSERT INTO seeds
SELECT DISTINCT
    actor AS id,
    known
FROM stage_events
WHERE build IN (SELECT build FROM builds)
    AND actor != ''
    AND cityHash64(actor) % {buckets:UInt32} = {bucket:UInt32};
