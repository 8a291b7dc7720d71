-- volume_anomalies_between: one row an hour, source and event whose number of events is far from that
-- of the same hour of the week in the four weeks before, silence among them. Parameters: since, until
-- (wall clocks of the report timezone); hours wholly between them are looked at.
-- expected is the mean of the weeks before in which the source sent anything at all, two at least.
-- far is a ratio below 1/2 or above 2, and more than 4 standard errors, of Poisson numbers that also
-- vary as much as those weeks did among themselves. Bots are left out.
-- Duplicates: copies of an event count as its first copy. Late events count where received.
CREATE OR REPLACE VIEW volume_anomalies_between AS
WITH
    {since:DateTime64(3, '${timezone}')} AS first,
    {until:DateTime64(3, '${timezone}')} AS last,
    toStartOfHour(toDateTime(first, 'UTC') + INTERVAL 3599 SECOND) AS first_hour,
    toStartOfHour(toDateTime(last, 'UTC')) AS end_hour,
    hours AS
    (
        SELECT
            arrayJoin(range(toUInt32(first_hour), greatest(toUInt32(first_hour), toUInt32(end_hour)), 3600)) AS looked_at,
            arrayJoin([0, 1, 2, 3, 4]) AS week,
            toDateTime(looked_at - week * 604800, 'UTC') AS hour
    ),
    counts AS
    (
        SELECT
            hour,
            source,
            event_name,
            count() AS events
        FROM seen_events FINAL
        WHERE hour IN (SELECT hour FROM hours)
            AND NOT is_bot
            AND (source, event_id, arrival) NOT IN (
                SELECT
                    source,
                    event_id,
                    arrival
                FROM duplicate_arrivals
            )
        GROUP BY
            hour,
            source,
            event_name
    ),
    alive AS
    (
        SELECT DISTINCT
            hours.looked_at AS looked_at,
            hours.week AS week,
            counts.source AS source
        FROM hours
        INNER JOIN counts ON hours.hour = counts.hour
    ),
    grid AS
    (
        SELECT
            looked_at,
            source,
            event_name,
            count() AS weeks
        FROM alive
        INNER JOIN (SELECT DISTINCT source, event_name FROM counts) AS names USING (source)
        WHERE week > 0
        GROUP BY
            looked_at,
            source,
            event_name
    ),
    compared AS
    (
        SELECT
            hours.looked_at AS looked_at,
            counts.source AS source,
            counts.event_name AS event_name,
            sumIf(counts.events, week = 0) AS events,
            sumIf(counts.events, week > 0) AS before,
            sumIf(counts.events * counts.events, week > 0) AS squares
        FROM hours
        INNER JOIN counts ON hours.hour = counts.hour
        GROUP BY ALL
    )
SELECT
    toDateTime(grid.looked_at, '${timezone}') AS hour,
    grid.source AS source,
    grid.event_name AS event_name,
    compared.events AS events,
    compared.before / grid.weeks AS expected,
    grid.weeks AS weeks,
    if(expected = 0, NULL, events / expected) AS ratio,
    (events - expected) / sqrt(
        greatest(expected, 1) * (1 + 1 / weeks)
        + greatest(compared.squares / weeks - expected * expected, 0) * weeks / (weeks - 1)
    ) AS standard_errors,
    multiIf(events = 0, 'silent', events < expected, 'low', 'high') AS status
FROM grid
INNER JOIN compared
    ON grid.looked_at = compared.looked_at
    AND grid.source = compared.source
    AND grid.event_name = compared.event_name
WHERE weeks >= 2
    AND abs(standard_errors) > 4
    AND (events < 0.5 * expected OR events > 2 * expected)
ORDER BY
    hour,
    source,
    event_name;
