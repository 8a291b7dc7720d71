-- experiments: one row an experiment of the plan in force.
-- Duplicates and late events change nothing here.
CREATE OR REPLACE VIEW experiments AS
SELECT * EXCEPT plan
FROM plan_experiments
WHERE plan = (
    SELECT plan
    FROM plan_states
    ORDER BY since DESC
    LIMIT 1
);
