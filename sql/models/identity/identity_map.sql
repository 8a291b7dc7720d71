-- identity_map: one row an id and a person whose events came under it until a moment: a user's are its
-- person's for ever, an anonymous one is the device's owner's, and where nobody logged in, the device's
-- own. It holds the affected ids and all ids of the people who own events of these. Rows that are
-- is_former hold who may have owned an id's events before, and owns none by them now.
-- The flags tell what of the person is recomputed: everything (is_whole), the stages, the exposures,
-- the sessions among session_ids.
-- Reads: affected_ids, aliased_users, user_devices.
-- Reads as it stood: device_ownership.
-- Writes: identity_map.
-- Key: id, id_known, until, person_id, known.
CREATE OR REPLACE TEMPORARY TABLE identity_map
ENGINE = Memory AS
WITH
    toDateTime64('2299-12-31 23:59:59', 6, 'UTC') AS for_ever,
    named AS
    (
        SELECT id AS user_id
        FROM affected_ids
        WHERE id_known
        UNION DISTINCT
        SELECT arrayJoin(arrayConcat(owners.2, owners_before.2))
        FROM affected_ids
    ),
    aliased AS
    (
        SELECT
            user_id,
            person_id
        FROM aliased_users FINAL
        WHERE user_id IN (
            SELECT user_id
            FROM aliased_users
            WHERE person_id IN (SELECT user_id FROM named)
                OR person_id IN (
                    SELECT person_id
                    FROM aliased_users
                    WHERE user_id IN (SELECT user_id FROM named)
                )
        )
    ),
    users AS
    (
        SELECT
            ids.user_id AS user_id,
            if(aliased.person_id != '', aliased.person_id, ids.user_id) AS person_id
        FROM
        (
            SELECT user_id
            FROM named
            UNION DISTINCT
            SELECT arrayJoin([user_id, person_id])
            FROM aliased
        ) AS ids
        LEFT JOIN aliased ON ids.user_id = aliased.user_id
    )
SELECT
    id,
    id_known,
    until,
    person_id,
    known,
    is_former,
    max(whole) OVER person AS is_whole,
    max(whole OR reaches_stages) OVER person AS refreshes_stages,
    max(whole OR sees_variants) OVER person AS refreshes_exposures,
    groupUniqArrayArray(sessions) OVER person AS session_ids
FROM
(
    SELECT
        users.user_id AS id,
        true AS id_known,
        for_ever AS until,
        users.person_id AS person_id,
        true AS known,
        false AS is_former,
        affected.is_whole AS whole,
        affected.reaches_stages AS reaches_stages,
        affected.sees_variants AS sees_variants,
        affected.session_ids AS sessions
    FROM users
    LEFT JOIN
    (
        SELECT *
        FROM affected_ids
        WHERE id_known
    ) AS affected
    ON users.user_id = affected.id
    UNION ALL
    SELECT
        id,
        false,
        owner.1,
        owner.2,
        notEmpty(owners),
        false,
        is_whole,
        reaches_stages,
        sees_variants,
        session_ids
    FROM affected_ids
    ARRAY JOIN if(empty(owners), [(for_ever, id)], owners) AS owner
    WHERE NOT id_known
    UNION ALL
    SELECT
        id,
        id_known,
        for_ever,
        former.1,
        former.2,
        true,
        true,
        false,
        false,
        []
    FROM affected_ids
    ARRAY JOIN arrayConcat([(id, id_known)], arrayMap(owner -> (owner.2, true), owners_before)) AS former
    WHERE is_whole
    UNION ALL
    SELECT
        anonymous_id,
        false,
        until,
        person_id,
        true,
        false,
        false,
        false,
        false,
        []
    FROM device_ownership FINAL
    WHERE anonymous_id IN (
        SELECT anonymous_id
        FROM user_devices
        WHERE user_id IN (SELECT user_id FROM users)
    )
        AND anonymous_id NOT IN (SELECT id FROM affected_ids WHERE NOT id_known)
)
WINDOW person AS (PARTITION BY person_id, known)
SETTINGS optimize_move_to_prewhere_if_final = 1;
