-- candidates: one row an event that reached a stage of the builds, of the ids of the slice.
CREATE TEMPORARY VIEW candidates AS
SELECT *
FROM stage_events FINAL
WHERE build IN (SELECT build FROM builds) AND cityHash64(actor) % ${slices} = ${slice};
