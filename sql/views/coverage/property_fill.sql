-- property_fill: one row an event, source, release and property, over the last 24 hours; another
-- time: property_fill_between(run = '', since = '2024-08-01', until = '2024-08-02'). Columns, and
-- behaviour under duplicates and late events: as there.
CREATE OR REPLACE VIEW property_fill AS
SELECT *
FROM property_fill_between(run = '', since = toString(now('${timezone}') - INTERVAL 1 DAY), until = toString(now('${timezone}') + INTERVAL 1 MINUTE));
