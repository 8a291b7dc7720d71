-- The events of these ids that no server sent.
INSERT INTO seen
SELECT *
FROM session_events FINAL
WHERE (actor, known) IN (SELECT actor, known FROM actors);
