-- The exposures that these people have so far.
-- Reads: identity_map.
-- Reads as it stood: experiment_exposures_raw.
SELECT *
FROM experiment_exposures_raw FINAL
WHERE (person_id, known) IN (SELECT person_id, known FROM identity_map WHERE refreshes_exposures)
