-- Whose each device is: an anonymous event belongs to the device's next login, else to the login
-- before. Logins of one person in a row are one turn, which ends with its last login; of turns that
-- end at one moment the one that was received first owns it.
INSERT INTO owners
WITH
    aliased AS
    (
        SELECT
            user_id,
            person_id
        FROM aliased_users FINAL
        WHERE user_id IN (SELECT user_id FROM logins)
    ),
    named AS
    (
        SELECT
            anonymous_id,
            event_time,
            arrival,
            if(aliased.person_id != '', aliased.person_id, logins.user_id) AS person_id
        FROM logins
        LEFT JOIN aliased ON logins.user_id = aliased.user_id
        WHERE (source, event_id, arrival) NOT IN (SELECT source, event_id, arrival FROM copies)
    ),
    followed AS
    (
        SELECT
            *,
            leadInFrame(person_id, 1, '') OVER (
                PARTITION BY anonymous_id
                ORDER BY event_time ASC, arrival ASC, person_id ASC
                ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING
            ) AS following
        FROM named
    )
SELECT
    anonymous_id,
    if(following = '', toDateTime64('2299-12-31 23:59:59', 6, 'UTC'), event_time) AS until,
    person_id
FROM followed
WHERE person_id != following
ORDER BY
    event_time ASC,
    arrival ASC,
    person_id ASC
LIMIT 1 BY
    anonymous_id,
    until;
