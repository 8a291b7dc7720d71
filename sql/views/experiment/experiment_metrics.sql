-- experiment_metrics: one row a metric of an experiment of the plan in force, the primary one first.
-- Duplicates and late events change nothing here.
CREATE OR REPLACE VIEW experiment_metrics AS
SELECT * EXCEPT plan
FROM plan_experiment_metrics
WHERE plan = (
    SELECT plan
    FROM plan_states
    ORDER BY since DESC
    LIMIT 1
);
