-- session_events_mv: each row inserted into events_raw that no server sent, with the one property
-- that a session keeps of its kind of event.
CREATE MATERIALIZED VIEW IF NOT EXISTS session_events_mv TO session_events AS
SELECT
    if(user_id != '', user_id, anonymous_id) AS actor,
    user_id != '' AS known,
    source,
    event_id,
    arrival,
    event_time,
    session_id,
    event_name,
    is_bot,
    page_host,
    page_path,
    channel,
    utm_source,
    utm_medium,
    utm_campaign,
    referrer_host,
    device_class,
    multiIf(
        event_name = 'section_viewed', JSONExtractString(properties, 'section_id'),
        event_name = 'cta_clicked', JSONExtractString(properties, 'cta_id'),
        event_name = 'guide_opened', JSONExtractString(properties, 'entry'),
        event_name = 'experiment_viewed',
        concat(
            JSONExtractString(properties, 'experiment_id'),
            ':',
            JSONExtractString(properties, 'variation_id')
        ),
        ''
    ) AS detail,
    multiIf(
        event_name = 'scroll_depth_reached', JSONExtractUInt(properties, 'depth'),
        event_name = 'engaged_time', JSONExtractUInt(properties, 'engaged_ms'),
        0
    ) AS number
FROM events_raw
WHERE NOT server;
