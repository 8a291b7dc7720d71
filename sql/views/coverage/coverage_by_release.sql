-- coverage_by_release: one row an expected event and a release seen at its place, over the last 30
-- days; another time: coverage_by_release_between(run = '', since = '2024-08-01', until =
-- '2024-08-02'). Columns, and behaviour under duplicates and late events: as there.
CREATE OR REPLACE VIEW coverage_by_release AS
SELECT *
FROM coverage_by_release_between(run = '', since = toString(now('${timezone}') - INTERVAL 30 DAY), until = toString(now('${timezone}') + INTERVAL 1 MINUTE));
