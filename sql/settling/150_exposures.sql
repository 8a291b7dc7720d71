-- Swaps in what the people settled were shown in experiments: first copies only, anonymous ones
-- given to the device's owner.
INSERT INTO experiment_exposures_raw
WITH
    shown AS
    (
        SELECT *
        FROM exposure_events FINAL
        WHERE (actor, known) IN (SELECT actor, known FROM actors)
    ),
    made AS
    (
        SELECT
            experiment,
            if(owners.person_id != '', owners.person_id, actors.person_id) AS person_id,
            actors.known OR owners.person_id != '' AS known,
            source,
            event_id,
            arrival,
            event_time,
            variant,
            device,
            session_id
        FROM shown
        INNER JOIN actors ON shown.actor = actors.actor AND shown.known = actors.known
        ASOF LEFT JOIN owners
            ON if(shown.known, '', shown.actor) = owners.anonymous_id
            AND shown.event_time <= owners.until
        WHERE (person_id, known) IN (SELECT person_id, known FROM touched_people)
            AND (source, event_id, arrival) NOT IN (
                SELECT
                    source,
                    event_id,
                    arrival
                FROM duplicate_arrivals
                WHERE (source, event_id) IN (SELECT source, event_id FROM shown)
            )
    ),
    stored AS
    (
        SELECT * EXCEPT (changed_at, gone)
        FROM experiment_exposures_raw FINAL
        WHERE (person_id, known) IN (SELECT person_id, known FROM touched_people)
    )
SELECT
    *,
    {version:UInt64} AS changed_at,
    0 AS gone
FROM
(
    SELECT * FROM made
    EXCEPT DISTINCT
    SELECT * FROM stored
)
UNION ALL
SELECT
    *,
    {version:UInt64},
    1
FROM stored
WHERE (experiment, person_id, known, source, event_id) NOT IN (
    SELECT
        experiment,
        person_id,
        known,
        source,
        event_id
    FROM made
);
