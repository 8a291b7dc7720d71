-- The hits that the people settled had before.
INSERT INTO stored_hits
SELECT *
FROM stage_hits_raw FINAL
WHERE (funnel, funnel_version, build) IN (SELECT funnel, funnel_version, build FROM builds)
    AND (person_id, known) IN (SELECT person_id, known FROM touched_people);
