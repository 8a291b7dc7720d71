-- The events of these ids that reached a stage.
INSERT INTO candidates
SELECT *
FROM stage_events FINAL
WHERE (actor, known) IN (SELECT actor, known FROM actors)
    AND build IN (SELECT build FROM builds);
