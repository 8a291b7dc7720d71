-- alerts: one row a rule of the plan in force of what somebody is told of.
-- Duplicates and late events change nothing here.
CREATE OR REPLACE VIEW alerts AS
SELECT * EXCEPT plan
FROM plan_alerts
WHERE plan = (
    SELECT plan
    FROM plan_states
    ORDER BY since DESC
    LIMIT 1
);
