-- The sessions that stay as they were cut, but may hold other steps.
-- Reads: identity_map.
-- Reads as it stood: sessions_raw.
SELECT *
FROM sessions_raw FINAL
WHERE (person_id, known) IN (
        SELECT
            person_id,
            known
        FROM identity_map
        WHERE refreshes_stages AND NOT is_whole
    )
    AND (person_id, known, if(is_timed, '', session_id)) NOT IN (
        SELECT
            person_id,
            known,
            arrayJoin(session_ids)
        FROM identity_map
    )
