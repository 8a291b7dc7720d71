-- exposure_events_mv: each row inserted into events_raw that shows a unit a variant.
CREATE MATERIALIZED VIEW IF NOT EXISTS exposure_events_mv TO exposure_events AS
SELECT
    if(user_id != '', user_id, anonymous_id) AS actor,
    user_id != '' AS known,
    source,
    event_id,
    arrival,
    event_time,
    JSONExtractString(properties, 'experiment_id') AS experiment,
    JSONExtractString(properties, 'variation_id') AS variant,
    anonymous_id AS device,
    session_id
FROM events_raw
WHERE event_name = 'experiment_viewed' AND NOT is_bot;
