-- What the people whose exposures are recomputed were shown, under the ids that it came with.
-- Reads: exposure_events, identity_map.
-- Writes: nothing: it stands within other models.
-- Key: actor, known, source, event_id, arrival.
SELECT *
FROM exposure_events
WHERE (actor, known) IN (SELECT id, id_known FROM identity_map WHERE NOT is_former AND refreshes_exposures)
