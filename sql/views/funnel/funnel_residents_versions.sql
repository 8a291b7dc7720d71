-- funnel_residents_versions: one row a group of residents as in `funnel_residents`, by every version of
-- the funnels; in_force tells the version in force today. The other columns are as there.
-- Duplicates and late events: as in `stage_entries`.
CREATE OR REPLACE VIEW funnel_residents_versions AS
SELECT *
FROM funnel_residents_versions_at(at = now64(6, '${timezone}'));
