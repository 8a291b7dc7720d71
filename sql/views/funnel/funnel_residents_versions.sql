-- funnel_residents_versions: `funnel_residents` by every version of the funnels; `in_force` tells the
-- version in force today. Its other columns are those of `funnel_residents`.
-- Duplicates and late events: as in `stage_entries`.
CREATE OR REPLACE VIEW funnel_residents_versions AS
SELECT *
FROM funnel_residents_versions_at(at = now64(6));
