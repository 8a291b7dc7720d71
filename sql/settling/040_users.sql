-- The user ids of the people settled, each with the person that it belongs to now.
INSERT INTO actors
WITH
    ids AS
    (
        SELECT person_id AS user_id
        FROM people
        WHERE known
        UNION DISTINCT
        SELECT user_id
        FROM aliased_users
        WHERE person_id IN (SELECT person_id FROM people WHERE known)
    ),
    aliased AS
    (
        SELECT
            user_id,
            person_id
        FROM aliased_users FINAL
        WHERE user_id IN (SELECT user_id FROM ids)
    )
SELECT
    ids.user_id AS actor,
    true AS known,
    if(aliased.person_id != '', aliased.person_id, ids.user_id) AS person_id
FROM ids
LEFT JOIN aliased ON ids.user_id = aliased.user_id;
