-- owners: one row a person and a device of asked_devices: until when the anonymous events on it are
-- theirs. A refresh does not run it: who forgets a person asks by it.
-- Reads: asked_devices, device_logins, duplicate_arrivals, aliased_users.
-- Writes: owners.
-- Key: anonymous_id, until.
CREATE OR REPLACE TEMPORARY TABLE owners
ENGINE = Memory AS
SELECT
    anonymous_id,
    owner.1 AS until,
    owner.2 AS person_id
FROM
(
    ${device_owners}
)
ARRAY JOIN owners AS owner;
