-- seen_between: one row an accepted event received from `since` until before `until` (wall clocks of
-- the report timezone), of a test run, or for run = '' of no run: what all coverage is made of.
-- device is a hash of the anonymous id, else of the user id; filled are the properties with a value;
-- experiment and variant are those of an exposure. In a run nobody is a bot: tests drive browsers.
-- Duplicates: of copies of one event the first received stands here.
CREATE OR REPLACE VIEW seen_between AS
WITH
    toDateTime64({since:DateTime64(3, '${timezone}')}, 6, 'UTC') AS first,
    toDateTime64({until:DateTime64(3, '${timezone}')}, 6, 'UTC') AS last,
    bitShiftLeft(toUInt64(greatest(toUnixTimestamp64Micro(first), 0)), 12) AS first_arrival,
    bitShiftLeft(toUInt64(greatest(toUnixTimestamp64Micro(last), 0)), 12) AS last_arrival
SELECT
    fromUnixTimestamp64Micro(toInt64(bitShiftRight(arrival, 12)), 'UTC') AS received_at,
    event_name,
    sent_name,
    source,
    event_id,
    arrival,
    event_time,
    planned,
    server,
    is_bot,
    device,
    toString(page_host) AS page_host,
    page_path,
    release,
    filled,
    experiment,
    variant
FROM seen_events FINAL
WHERE {run:String} = ''
    AND hour >= toStartOfHour(toDateTime(first, 'UTC'))
    AND hour <= toDateTime(last, 'UTC')
    AND arrival >= first_arrival
    AND arrival < last_arrival
    AND (source, event_id, arrival) NOT IN (
        SELECT
            source,
            event_id,
            arrival
        FROM duplicate_arrivals
        WHERE arrival >= first_arrival AND arrival < last_arrival
    )
UNION ALL
SELECT
    received_at,
    event_name,
    sent_name,
    source,
    event_id,
    arrival,
    event_time,
    planned,
    server,
    false,
    cityHash64(if(anonymous_id != '', anonymous_id, user_id)),
    page_host,
    page_path,
    release,
    arrayMap(
        pair -> pair.1,
        arrayFilter(pair -> pair.2 NOT IN ('null', '""'), JSONExtractKeysAndValuesRaw(properties))
    ),
    if(event_name = 'experiment_viewed', JSONExtractString(properties, 'experiment_id'), ''),
    if(event_name = 'experiment_viewed', JSONExtractString(properties, 'variation_id'), '')
FROM run_events
WHERE {run:String} != ''
    AND run = {run:String}
    AND reason = ''
    AND received_at >= first
    AND received_at < last;
