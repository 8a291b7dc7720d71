-- unplanned_events: one row a name that the plan has not, a source and a page, over the last 24
-- hours; another time: unplanned_events_between(run = '', since = '2024-08-01', until =
-- '2024-08-02'). Columns, and behaviour under duplicates and late events: as there.
CREATE OR REPLACE VIEW unplanned_events AS
SELECT *
FROM unplanned_events_between(run = '', since = toString(now('${timezone}') - INTERVAL 1 DAY), until = toString(now('${timezone}') + INTERVAL 1 MINUTE));
