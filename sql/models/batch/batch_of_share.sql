-- batch_events: one row an id of a share of everybody of whom any event is noted. In a full refresh
-- these stand for all events of theirs.
-- Reads: session_events, stage_events, exposure_events.
-- Writes: batch_events.
-- Key: user_id, anonymous_id.
INSERT INTO batch_events (event_type, server, user_id, anonymous_id)
SELECT DISTINCT
    'whole',
    true,
    if(known, actor, ''),
    if(known, '', actor)
FROM
(
    SELECT
        actor,
        known
    FROM session_events
    UNION ALL
    SELECT
        actor,
        known
    FROM stage_events
    UNION ALL
    SELECT
        actor,
        known
    FROM exposure_events
)
WHERE actor != '' AND cityHash64(actor) % {shares:UInt32} = {share:UInt32};
