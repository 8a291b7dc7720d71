-- The devices that the people settled may own anonymous events of.
INSERT INTO actors
SELECT
    id AS actor,
    false AS known,
    id AS person_id
FROM seeds
WHERE NOT seeds.known
UNION DISTINCT
SELECT
    anonymous_id,
    false,
    anonymous_id
FROM user_devices
WHERE user_id IN (SELECT actor FROM actors WHERE actors.known);
