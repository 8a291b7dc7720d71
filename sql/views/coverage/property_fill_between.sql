-- property_fill_between: one row an event, source, release and property, described by the plan or
-- sent: in how many of the events it has a value (neither null nor an empty text). Parameters: run
-- ('' for events of no run), since, until (wall clocks of the report timezone).
-- Duplicates: copies of an event count as its first copy. Late events count where received.
CREATE OR REPLACE VIEW property_fill_between AS
WITH
    grouped AS
    (
        SELECT
            event_name,
            source,
            release,
            count() AS events,
            sumMap(filled, arrayMap(name -> toUInt64(1), filled)) AS fills
        FROM seen_between(run = {run:String}, since = {since:DateTime64(3, '${timezone}')}, until = {until:DateTime64(3, '${timezone}')})
        WHERE NOT is_bot
        GROUP BY
            event_name,
            source,
            release
    )
SELECT
    event_name,
    source,
    release,
    arrayJoin(arraySort(arrayDistinct(arrayConcat(CAST(fills.1, 'Array(String)'), properties)))) AS property,
    has(properties, property) AS described,
    has(required, property) AS required,
    events,
    fills.2[indexOf(fills.1, property)] AS filled,
    filled / events AS share
FROM grouped
LEFT JOIN planned_events ON grouped.event_name = planned_events.event
ORDER BY
    event_name,
    source,
    release,
    property;
