-- funnel_residents_at(at): `funnel_residents` at a moment `at` (wall clock of the report timezone, like
-- '2024-07-01 18:00:00'), by the versions by which reports of that day go. Columns: as there.
-- Duplicates and late events: as in `stage_entries`.
CREATE OR REPLACE VIEW funnel_residents_at AS
SELECT * EXCEPT in_force
FROM funnel_residents_versions_at(at = {at:DateTime64(6, '${timezone}')})
WHERE in_force;
