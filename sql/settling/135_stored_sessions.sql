-- The sessions of the people settled as they are stored: only the steps entered in them may differ.
INSERT INTO cut_sessions
SELECT *
FROM sessions_raw FINAL
WHERE (person_id, known) IN (SELECT person_id, known FROM touched_people);
