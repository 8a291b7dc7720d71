-- device_ownership: one row a person and a device: until when the anonymous events on it are theirs.
-- Swaps in the owners of devices whose owners changed. It comes last: until it stands, a refresh that
-- is repeated finds the same devices changed.
-- Reads: affected_ids.
-- After: stage_hits_raw, stage_entries_raw, sessions_raw, experiment_exposures_raw.
-- Writes: device_ownership.
-- Key: anonymous_id, until.
INSERT INTO device_ownership
SELECT
    id AS anonymous_id,
    owner.1 AS until,
    owner.2 AS person_id,
    {version:UInt64} AS changed_at,
    owner.3 AS gone
FROM affected_ids
ARRAY JOIN arrayConcat(
    arrayMap(
        one -> (one.1, one.2, 0),
        arrayFilter(one -> NOT has(owners_before, one), owners)
    ),
    arrayMap(
        one -> (one.1, one.2, 1),
        arrayFilter(one -> NOT has(owners.1, one.1), owners_before)
    )
) AS owner
WHERE NOT id_known AND owners != owners_before
SETTINGS optimize_on_insert = 0;
