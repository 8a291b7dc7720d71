-- The sessions of the affected people that are cut anew, and those in which they may have entered
-- another step since.
-- Reads: identity_map.
-- Reads as it stood: sessions_raw.
SELECT *
FROM sessions_raw FINAL
WHERE (person_id, known) IN (SELECT person_id, known FROM identity_map)
    AND (
        (person_id, known) IN (SELECT person_id, known FROM identity_map WHERE refreshes_stages)
        OR (person_id, known, if(is_timed, '', session_id)) IN (
            SELECT
                person_id,
                known,
                arrayJoin(session_ids)
            FROM identity_map
        )
    )
