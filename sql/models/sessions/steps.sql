-- steps: one row a person whose sessions are recomputed, with the steps that they entered, in order of
-- their builds.
-- Reads: stage_entries_raw, stage_rules, identity_map.
-- Writes: nothing: it stands within other models.
-- Key: person_id, known.
SELECT
    person_id,
    known,
    arraySort(groupArray((build, entered_at, stage))) AS steps
FROM stage_entries_raw FINAL
WHERE (funnel, funnel_version, build) IN (SELECT funnel, funnel_version, build FROM stage_rules)
    AND (person_id, known) IN (SELECT person_id, known FROM identity_map)
    AND kind = 'step'
GROUP BY
    person_id,
    known
