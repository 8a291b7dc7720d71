-- The sessions of the people settled as they are stored, for the steps that they entered meanwhile.
INSERT INTO cut_sessions
SELECT *
FROM sessions_raw FINAL
WHERE (person_id, known) IN (SELECT person_id, known FROM touched_people);
