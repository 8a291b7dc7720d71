-- hits: one row an event by which a person reached a stage of the builds.
CREATE TEMPORARY VIEW hits AS
SELECT *
FROM stage_hits_raw FINAL
WHERE build IN (SELECT build FROM builds);
