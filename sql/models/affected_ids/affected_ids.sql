-- affected_ids: one row an id, a user's (id_known) or a device's, that the batch names. Of most of them
-- only the batch's own events are new, which may reach a stage (reaches_stages), show a variant
-- (sees_variants), or be of sessions (session_ids). Of an id that is_whole any event may be another
-- person's than before: in a full refresh, where alias calls join its user, where an event is lost to
-- an earlier copy, and where a device has other owners than before.
-- Reads: batch_events, duplicate_arrivals, stage_rules, user_devices, device_logins, aliased_users.
-- Reads as it stood: device_ownership.
-- Writes: affected_ids.
-- Key: id, id_known.
CREATE OR REPLACE TEMPORARY TABLE affected_ids
ENGINE = Memory AS
WITH
    devices AS
    (
        SELECT anonymous_id AS id
        FROM batch_events
        UNION ALL
        SELECT anonymous_id
        FROM user_devices
        WHERE user_id IN (SELECT user_id FROM batch_events WHERE event_type IN ('alias', 'whole'))
    ),
    owned AS
    (
        ${device_owners}
    ),
    stood AS
    (
        SELECT
            anonymous_id,
            arraySort(groupArray((until, person_id))) AS owners
        FROM device_ownership FINAL
        WHERE anonymous_id IN (SELECT id FROM devices)
        GROUP BY anonymous_id
    )
SELECT
    ids.id AS id,
    ids.id_known AS id_known,
    ids.is_whole OR owned.owners != stood.owners AS is_whole,
    ids.reaches_stages AS reaches_stages,
    ids.sees_variants AS sees_variants,
    ids.session_ids AS session_ids,
    owned.owners AS owners,
    stood.owners AS owners_before
FROM
(
    SELECT
        one.1 AS id,
        one.2 AS id_known,
        max(event_type = 'whole') AS is_whole,
        max(one.3 AND event_name IN (SELECT event_name FROM stage_rules)) AS reaches_stages,
        max(one.3 AND event_name = 'experiment_viewed') AS sees_variants,
        groupUniqArrayIf(session_id, one.3 AND NOT server) AS session_ids
    FROM
    (
        SELECT
            event_type,
            event_name,
            server,
            session_id,
            arrayJoin([(user_id, true, true), (anonymous_id, false, user_id = '')]) AS one
        FROM batch_events
        UNION ALL
        SELECT
            '',
            '',
            true,
            '',
            (devices.id, false, false)
        FROM devices
    )
    WHERE one.1 != ''
    GROUP BY
        id,
        id_known
) AS ids
LEFT JOIN owned ON if(ids.id_known, '', ids.id) = owned.anonymous_id
LEFT JOIN stood ON if(ids.id_known, '', ids.id) = stood.anonymous_id
SETTINGS optimize_move_to_prewhere_if_final = 1;
