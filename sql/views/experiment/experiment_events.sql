-- experiment_events: one row an event that an experiment of the plan in force looks for in its
-- units: its trigger, the steps and pairs of its coverage, and what its metrics count (role
-- `metric`, with the metric's position).
-- Duplicates and late events change nothing here.
CREATE OR REPLACE VIEW experiment_events AS
SELECT * EXCEPT plan
FROM plan_experiment_events
WHERE plan = (
    SELECT plan
    FROM plan_states
    ORDER BY since DESC
    LIMIT 1
)
UNION ALL
SELECT
    experiment,
    'metric' AS role,
    position,
    event,
    conditions
FROM experiment_metrics
WHERE kind = 'count';
