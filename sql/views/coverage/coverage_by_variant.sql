-- coverage_by_variant: one row an expected event and a variant of its experiment, over the last 24
-- hours; another time: coverage_by_variant_between(run = '', since = '2024-08-01', until =
-- '2024-08-02'). Columns, and behaviour under duplicates and late events: as there.
CREATE OR REPLACE VIEW coverage_by_variant AS
SELECT *
FROM coverage_by_variant_between(run = '', since = toString(now('${timezone}') - INTERVAL 1 DAY), until = toString(now('${timezone}') + INTERVAL 1 MINUTE));
