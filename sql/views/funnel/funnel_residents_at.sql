-- funnel_residents_at: one row a group of residents as in `funnel_residents`, at a moment, by the
-- versions by which reports of its day go. Columns: as there. Parameter: at, wall clock of the report
-- timezone, such as '2024-07-01 18:00:00'; residents of the end of a day are those of the next midnight.
-- Duplicates and late events: as in `stage_entries`.
CREATE OR REPLACE VIEW funnel_residents_at AS
SELECT * EXCEPT in_force
FROM funnel_residents_versions_at(at = {at:DateTime64(6, '${timezone}')})
WHERE in_force;
