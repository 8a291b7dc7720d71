-- The matches of stage rules of the affected people, under the ids that they came with.
-- Reads: stage_events, stage_rules, identity_map.
-- Writes: nothing: it stands within other models.
-- Key: actor, known, build, stage_position, stage, source, event_id, arrival.
SELECT *
FROM stage_events
WHERE (actor, known) IN (SELECT id, id_known FROM identity_map WHERE NOT is_former AND refreshes_stages)
    AND build IN (SELECT build FROM (${funnel_builds}))
