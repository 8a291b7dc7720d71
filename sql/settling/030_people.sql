-- The people settled: the seeds, and everybody who may own an anonymous event of a device among
-- them. A user whom an alias joins with others stands here twice: alone, and as who they are now.
INSERT INTO touched_people
WITH
    others AS
    (
        SELECT DISTINCT
            anonymous_id,
            user_id
        FROM device_logins
        WHERE anonymous_id IN (SELECT id FROM seeds WHERE NOT known)
            AND user_id NOT IN (SELECT id FROM seeds WHERE known)
    ),
    anonymous AS
    (
        SELECT actor
        FROM stage_events
        WHERE NOT known AND actor IN (SELECT anonymous_id FROM others)
        UNION DISTINCT
        SELECT actor
        FROM session_events
        WHERE NOT known AND actor IN (SELECT anonymous_id FROM others)
        UNION DISTINCT
        SELECT actor
        FROM exposure_events
        WHERE NOT known AND actor IN (SELECT anonymous_id FROM others)
    ),
    users AS
    (
        SELECT id AS user_id
        FROM seeds
        WHERE known
        UNION DISTINCT
        SELECT user_id
        FROM others
        WHERE anonymous_id IN (SELECT actor FROM anonymous)
    )
SELECT
    id AS person_id,
    false AS known
FROM seeds
WHERE NOT seeds.known
UNION ALL
SELECT
    user_id,
    true
FROM users
UNION DISTINCT
SELECT
    aliased_users.person_id,
    true
FROM aliased_users FINAL
WHERE aliased_users.user_id IN (SELECT user_id FROM users);
