-- The entries that the people settled had before.
INSERT INTO stored_entries
SELECT *
FROM stage_entries_raw FINAL
WHERE (funnel, funnel_version, build) IN (SELECT funnel, funnel_version, build FROM builds)
    AND (person_id, known) IN (SELECT person_id, known FROM touched_people);
