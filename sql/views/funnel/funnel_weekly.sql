-- funnel_weekly: one row a funnel, product, track, week (Monday to Sunday) and stage, under the
-- version that was in force on the Monday. The columns are explained in `funnel_periods` (entries and
-- conversion on period basis, reached and shares on cohort basis) and `funnel_weekly_versions`.
-- Duplicates and late events: as in `stage_entries`.
CREATE OR REPLACE VIEW funnel_weekly AS
SELECT weeks.*
FROM funnel_weekly_versions AS weeks
INNER JOIN funnels
    ON weeks.funnel = funnels.funnel
    AND weeks.funnel_version = funnels.funnel_version
WHERE week BETWEEN valid_from AND valid_until;
