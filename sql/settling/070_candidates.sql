-- The events of these ids that reached a stage.
INSERT INTO candidates
SELECT
    build,
    actors.person_id AS person_id,
    known,
    stage_position,
    stage,
    kind,
    reenter,
    source,
    event_id,
    arrival,
    event_time,
    session_id,
    track,
    cohort,
    segment,
    card_holder,
    channel,
    detail,
    cluster,
    amount
FROM
(
    SELECT *
    FROM stage_events FINAL
    WHERE (actor, known) IN (SELECT actor, known FROM actors)
        AND build IN (SELECT build FROM builds)
) AS reached
INNER JOIN actors ON reached.actor = actors.actor AND reached.known = actors.known;
