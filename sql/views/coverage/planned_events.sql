-- planned_events: one row an event of the plan in force, as its newest version describes it.
-- Duplicates and late events change nothing here.
CREATE OR REPLACE VIEW planned_events AS
SELECT * EXCEPT plan
FROM plan_events
WHERE plan = (
    SELECT plan
    FROM plan_states
    ORDER BY since DESC
    LIMIT 1
);
