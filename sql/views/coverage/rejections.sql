-- rejections: one row a reason, path, event, source, page and release, over the last 24 hours;
-- another time: rejections_between(run = '', since = '2024-08-01', until = '2024-08-02'). Columns,
-- and behaviour under duplicates and late events: as there.
CREATE OR REPLACE VIEW rejections AS
SELECT *
FROM rejections_between(run = '', since = toString(now('${timezone}') - INTERVAL 1 DAY), until = toString(now('${timezone}') + INTERVAL 1 MINUTE));
