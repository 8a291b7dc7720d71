-- The resolved matches that the affected people have so far.
-- Reads: stage_rules, identity_map.
-- Reads as it stood: stage_hits_raw.
SELECT *
FROM stage_hits_raw FINAL
WHERE (funnel, funnel_version, build) IN (
        SELECT
            funnel,
            funnel_version,
            build
        FROM (${funnel_builds})
    )
    AND (person_id, known) IN (SELECT person_id, known FROM identity_map WHERE refreshes_stages)
