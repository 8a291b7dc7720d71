-- The events of sessions that are cut anew, under the ids that they came with; some are of others'.
-- Reads: session_events, identity_map.
-- Writes: nothing: it stands within other models.
-- Key: actor, known, source, event_id, arrival.
SELECT *
FROM session_events
WHERE (actor, known) IN (SELECT id, id_known FROM identity_map WHERE NOT is_former)
    AND (
        session_id IN (SELECT arrayJoin(session_ids) FROM identity_map)
        OR (actor, known) IN (SELECT id, id_known FROM identity_map WHERE NOT is_former AND is_whole)
    )
