-- expectations: one row an event that the plan in force expects at a place: on some pages, of a
-- source, from a release on, in each variant of an experiment.
-- Duplicates and late events change nothing here.
CREATE OR REPLACE VIEW expectations AS
SELECT * EXCEPT plan
FROM plan_coverage
WHERE plan = (
    SELECT plan
    FROM plan_states
    ORDER BY since DESC
    LIMIT 1
);
