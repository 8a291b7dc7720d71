-- Whose each device is: an anonymous event belongs to the device's next login, else to the login
-- before. Logins of one person in a row are one turn, which ends with its last login.
INSERT INTO owners
WITH
    aliased AS
    (
        SELECT
            user_id,
            person_id
        FROM aliased_users FINAL
    ),
    sorted AS
    (
        SELECT
            anonymous_id,
            arraySort(
                groupArray((
                    event_time,
                    arrival,
                    if(aliased.person_id != '', aliased.person_id, logins.user_id)
                ))
            ) AS turns,
            arrayMap(turn -> turn.3, turns) AS names
        FROM logins
        LEFT JOIN aliased ON logins.user_id = aliased.user_id
        WHERE (source, event_id, arrival) NOT IN (SELECT source, event_id, arrival FROM copies)
        GROUP BY anonymous_id
    )
SELECT
    anonymous_id,
    arrayMap(turn -> turn.1, ends) AS untils,
    arrayMap(turn -> turn.3, ends) AS person_ids
FROM
(
    SELECT
        anonymous_id,
        arrayFilter(
            (turn, following) -> turn.3 != following,
            turns,
            arrayPushBack(arrayPopFront(names), '')
        ) AS ends
    FROM sorted
);
