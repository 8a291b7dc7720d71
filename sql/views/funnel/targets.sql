-- targets: one row a target or guardrail of a figure, from the day on which it holds.
-- Duplicates and late events change nothing here.
CREATE OR REPLACE VIEW targets AS
SELECT * EXCEPT plan
FROM plan_targets
WHERE plan = (
    SELECT plan
    FROM plan_states
    ORDER BY since DESC
    LIMIT 1
);
