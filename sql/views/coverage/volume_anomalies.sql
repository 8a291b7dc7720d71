-- volume_anomalies: one row an hour, source and event far from its number in the weeks before, over
-- the last 24 whole hours; another time: volume_anomalies_between(since = '2024-08-01', until =
-- '2024-08-02'). Columns, and behaviour under duplicates and late events: as there.
CREATE OR REPLACE VIEW volume_anomalies AS
SELECT *
FROM volume_anomalies_between(since = toString(toStartOfHour(now('${timezone}')) - INTERVAL 1 DAY), until = toString(toStartOfHour(now('${timezone}'))));
