-- device_owners: one row a device with logins: until when the anonymous events on it belong to whom,
-- in order. An anonymous event belongs to its device's next login, else to the login before. Logins of
-- one person in a row are one turn, which ends with its last login; the last turn never ends. Of turns
-- that end at one moment the one that was received first counts. `devices` names a relation with the
-- ids asked for.
-- Reads: device_logins, duplicate_arrivals, aliased_users.
-- Writes: nothing: it stands within other models.
-- Key: anonymous_id.
SELECT
    anonymous_id,
    arraySort(groupArray((until, person_id))) AS owners
FROM
(
    SELECT
        anonymous_id,
        if(following = '', toDateTime64('2299-12-31 23:59:59', 6, 'UTC'), event_time) AS until,
        person_id
    FROM
    (
        SELECT
            anonymous_id,
            event_time,
            arrival,
            person_id,
            leadInFrame(person_id, 1, '') OVER (
                PARTITION BY anonymous_id
                ORDER BY event_time ASC, arrival ASC, person_id ASC
                ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING
            ) AS following
        FROM
        (
            SELECT
                anonymous_id,
                event_time,
                arrival,
                if(aliased.person_id != '', aliased.person_id, logins.user_id) AS person_id
            FROM
            (
                SELECT
                    anonymous_id,
                    source,
                    event_id,
                    arrival,
                    event_time,
                    user_id
                FROM device_logins
                WHERE anonymous_id IN (SELECT id FROM ${devices})
            ) AS logins
            LEFT JOIN
            (
                SELECT
                    user_id,
                    person_id
                FROM aliased_users FINAL
                WHERE user_id IN (
                    SELECT user_id
                    FROM device_logins
                    WHERE anonymous_id IN (SELECT id FROM ${devices})
                )
            ) AS aliased
            ON logins.user_id = aliased.user_id
            WHERE (source, event_id, arrival) NOT IN (
                SELECT
                    source,
                    event_id,
                    arrival
                FROM duplicate_arrivals
                WHERE event_id IN (
                    SELECT event_id
                    FROM device_logins
                    WHERE anonymous_id IN (SELECT id FROM ${devices})
                )
            )
        )
    )
    WHERE person_id != following
    ORDER BY
        event_time ASC,
        arrival ASC,
        person_id ASC
    LIMIT 1 BY
        anonymous_id,
        until
)
GROUP BY anonymous_id
