-- stages: one row a stage of a funnel's version in force, measures among them (kind `measure`,
-- position 0).
-- Duplicates and late events change nothing here.
CREATE OR REPLACE VIEW stages AS
SELECT DISTINCT
    funnel,
    funnel_version,
    build,
    product,
    stage_position,
    stage,
    stage_label,
    kind,
    lead,
    role,
    within_days
FROM stage_rules
WHERE kind != 'excluded' AND build IN (SELECT build FROM funnels);
