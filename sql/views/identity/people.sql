-- people: one row a person and an id of theirs: a user's (kind `user`), or a device's on which they
-- logged in (kind `device`), which may be several people's. A user or device that nothing links
-- with another has no row, and is a person called by its own id.
-- A login is an event that names both a user and a device (another id than the user's own). A user
-- is one person for ever; an anonymous event belongs to its device's next login by event time, else
-- to the login before, else to the device; of logins at one moment the one received first counts.
-- Only alias calls join users, along any chain: the person is called by the id that is nobody's
-- former one, and by the first in order of text where there are several of these, or none as in a
-- circle. A former id is a device's when an event came from it, anonymously from a tracker or with
-- a user: such a call is a login there, and joins nobody.
-- Duplicates: copies of an event count as its first copy. Late events, logins and aliases change
-- the rows.
CREATE OR REPLACE VIEW people
(
    person_id      String COMMENT 'user id by which entries and sessions call the person',
    kind           String COMMENT 'user or device',
    id             String,
    first_login_at Nullable(DateTime64(6, 'UTC')) COMMENT 'NULL for a user whom an alias call alone names',
    last_login_at  Nullable(DateTime64(6, 'UTC'))
) AS
WITH
    joined AS
    (
        SELECT
            user_id,
            person_id
        FROM aliased_users FINAL
        WHERE user_id != person_id
    ),
    logins AS
    (
        SELECT
            if(joined.person_id != '', joined.person_id, device_logins.user_id) AS person_id,
            device_logins.user_id AS user_id,
            anonymous_id,
            event_time
        FROM device_logins
        LEFT JOIN joined ON device_logins.user_id = joined.user_id
        WHERE (source, event_id, arrival) NOT IN (
            SELECT
                source,
                event_id,
                arrival
            FROM duplicate_arrivals
        )
            AND NOT (former AND anonymous_id IN (SELECT arrayJoin([user_id, person_id]) FROM joined))
    ),
    ids AS
    (
        SELECT
            person_id,
            'user' AS kind,
            user_id AS id,
            event_time AS login_at
        FROM logins
        UNION ALL
        SELECT
            person_id,
            'device',
            anonymous_id,
            event_time
        FROM logins
        UNION ALL
        SELECT
            person_id,
            'user',
            arrayJoin([user_id, person_id]),
            NULL
        FROM joined
    )
SELECT
    person_id,
    kind,
    id,
    min(login_at) AS first_login_at,
    max(login_at) AS last_login_at
FROM ids
GROUP BY
    person_id,
    kind,
    id;
