-- Seeds of a load: the ids that its events name, the former ids of alias calls as devices. Where a
-- copy of an event came before the first one known so far, the ids of the later copies lose that
-- event: they are found by reading all.
INSERT INTO seeds
WITH
    overtaken AS
    (
        SELECT
            source,
            event_id
        FROM duplicate_arrivals
        WHERE event_id IN (SELECT event_id FROM touched)
            AND (event_id, first_arrival) IN (SELECT event_id, arrival FROM touched)
            AND (event_id, arrival) NOT IN (SELECT event_id, arrival FROM touched)
    )
SELECT DISTINCT
    id,
    known
FROM
(
    SELECT
        user_id AS id,
        true AS known
    FROM touched
    UNION ALL
    SELECT
        anonymous_id,
        false
    FROM touched
    UNION ALL
    SELECT
        previous_id,
        false
    FROM aliases
    WHERE event_id IN (SELECT event_id FROM touched)
    UNION ALL
    SELECT
        actor,
        known
    FROM stage_events
    WHERE (SELECT count() FROM overtaken) > 0
        AND (source, event_id) IN (SELECT source, event_id FROM overtaken)
    UNION ALL
    SELECT
        actor,
        known
    FROM session_events
    WHERE (SELECT count() FROM overtaken) > 0
        AND (source, event_id) IN (SELECT source, event_id FROM overtaken)
    UNION ALL
    SELECT
        actor,
        known
    FROM exposure_events
    WHERE (SELECT count() FROM overtaken) > 0
        AND (source, event_id) IN (SELECT source, event_id FROM overtaken)
    UNION ALL
    SELECT
        arrayJoin([(anonymous_id, false), (user_id, true)]).1,
        arrayJoin([(anonymous_id, false), (user_id, true)]).2
    FROM device_logins
    WHERE (SELECT count() FROM overtaken) > 0
        AND (source, event_id) IN (SELECT source, event_id FROM overtaken)
)
WHERE id != '';
