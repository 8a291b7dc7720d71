-- The sessions that the people settled had before.
INSERT INTO stored_sessions
SELECT *
FROM sessions_raw FINAL
WHERE (person_id, known) IN (SELECT person_id, known FROM touched_people);
