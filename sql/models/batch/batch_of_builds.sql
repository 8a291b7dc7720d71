-- batch_events: one row an id of a share of those whose events reach a stage of the funnels that are
-- filled. In a backfill these stand for the events that do.
-- Reads: stage_events, stage_rules.
-- Writes: batch_events.
-- Key: user_id, anonymous_id.
INSERT INTO batch_events (server, event_name, user_id, anonymous_id)
SELECT DISTINCT
    true,
    (SELECT any(event_name) FROM stage_rules),
    if(known, actor, ''),
    if(known, '', actor)
FROM stage_events
WHERE actor != ''
    AND build IN {builds:Array(String)}
    AND cityHash64(actor) % {shares:UInt32} = {share:UInt32};
