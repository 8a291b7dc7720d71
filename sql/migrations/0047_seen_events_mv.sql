-- seen_events_mv: each row inserted into events_raw, by the hour in which it was received.
CREATE MATERIALIZED VIEW IF NOT EXISTS seen_events_mv TO seen_events AS
SELECT
    toStartOfHour(toDateTime(received_at, 'UTC')) AS hour,
    event_name,
    source,
    event_id,
    arrival,
    event_time,
    sent_name,
    planned,
    server,
    is_bot,
    cityHash64(if(anonymous_id != '', anonymous_id, user_id)) AS device,
    page_host,
    page_path,
    release,
    arraySlice(
        arrayMap(
            pair -> pair.1,
            arrayFilter(
                pair -> pair.2 NOT IN ('null', '""') AND length(pair.1) <= 100,
                JSONExtractKeysAndValuesRaw(properties)
            )
        ),
        1,
        100
    ) AS filled,
    if(event_name = 'experiment_viewed', JSONExtractString(properties, 'experiment_id'), '') AS experiment,
    if(event_name = 'experiment_viewed', JSONExtractString(properties, 'variation_id'), '') AS variant
FROM events_raw;
