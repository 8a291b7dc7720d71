-- coverage: one row an event that the plan expects at a place, over the last 24 hours; another
-- time: coverage_between(run = '', since = '2024-08-01', until = '2024-08-02'). Columns, and
-- behaviour under duplicates and late events: as there.
CREATE OR REPLACE VIEW coverage AS
SELECT *
FROM coverage_between(run = '', since = toString(now('${timezone}') - INTERVAL 1 DAY), until = toString(now('${timezone}') + INTERVAL 1 MINUTE));
