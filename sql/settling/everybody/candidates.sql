-- candidates: one row an event that reached a stage of the builds, of the ids of the slice.
-- One that names nobody is nobody's.
CREATE TEMPORARY VIEW candidates AS
SELECT *
FROM stage_events FINAL
WHERE actor != ''
    AND build IN (SELECT build FROM builds)
    AND cityHash64(actor) % ${slices} = ${slice};
