-- The devices that the people settled may own anonymous events of. A device without
-- anonymous events has nothing to give.
INSERT INTO actors
WITH
    devices AS
    (
        SELECT id
        FROM seeds
        WHERE NOT known
        UNION DISTINCT
        SELECT anonymous_id
        FROM user_devices
        WHERE user_id IN (SELECT actor FROM actors WHERE known)
    )
SELECT
    actor,
    false AS known,
    actor AS person_id
FROM stage_events
WHERE NOT stage_events.known AND actor IN (SELECT id FROM devices)
UNION DISTINCT
SELECT
    actor,
    false,
    actor
FROM session_events
WHERE NOT session_events.known AND actor IN (SELECT id FROM devices);
