-- The events of the person: those whose first copy names a user of theirs, and the anonymous ones
-- that are theirs by the owners of the device. A later copy that names somebody else counts for
-- nothing, here as in reports. Read from what was noted too, since retention drops events alone.
INSERT INTO forget_events (source, event_id)
WITH
    named AS
    (
        SELECT source, event_id, arrival, event_time, user_id AS user, if(user_id = '', anonymous_id, '') AS device
        FROM events_raw
        WHERE user_id IN (SELECT id FROM forget_ids WHERE kind = 'user')
            OR (user_id = '' AND anonymous_id IN (SELECT id FROM forget_ids WHERE kind IN ('device', 'shared')))
        UNION ALL
        SELECT source, event_id, arrival, event_time, if(known, actor, ''), if(known, '', actor)
        FROM session_events
        WHERE (actor, known) IN (SELECT id, kind = 'user' FROM forget_ids)
        UNION ALL
        SELECT source, event_id, arrival, event_time, if(known, actor, ''), if(known, '', actor)
        FROM stage_events
        WHERE (actor, known) IN (SELECT id, kind = 'user' FROM forget_ids)
        UNION ALL
        SELECT source, event_id, arrival, event_time, if(known, actor, ''), if(known, '', actor)
        FROM exposure_events
        WHERE (actor, known) IN (SELECT id, kind = 'user' FROM forget_ids)
        UNION ALL
        SELECT source, event_id, arrival, event_time, user_id, ''
        FROM device_logins
        WHERE user_id IN (SELECT id FROM forget_ids WHERE kind = 'user')
        UNION ALL
        SELECT source, event_id, arrival, toDateTime64(0, 6, 'UTC'), user_id, ''
        FROM aliases
        WHERE user_id IN (SELECT id FROM forget_ids WHERE kind = 'user')
    )
SELECT DISTINCT
    source,
    event_id
FROM named
ASOF LEFT JOIN owners
    ON named.device = owners.anonymous_id
    AND named.event_time <= owners.until
WHERE (
        named.user != ''
        OR owners.person_id = {person:String}
        OR (owners.person_id = '' AND named.device IN (SELECT id FROM forget_ids WHERE kind = 'device'))
    )
    AND (source, event_id, arrival) NOT IN (
        SELECT source, event_id, arrival
        FROM duplicate_arrivals
        WHERE (source, event_id) IN (SELECT source, event_id FROM named)
    );
