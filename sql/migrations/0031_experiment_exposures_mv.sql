-- experiment_exposures_mv: each row inserted into events_raw that shows a unit a variant.
CREATE MATERIALIZED VIEW IF NOT EXISTS experiment_exposures_mv TO experiment_exposures_raw AS
SELECT
    JSONExtractString(properties, 'experiment_id') AS experiment,
    source,
    event_id,
    arrival,
    event_time,
    JSONExtractString(properties, 'variation_id') AS variant,
    anonymous_id,
    user_id,
    session_id,
    is_bot
FROM events_raw
WHERE event_name = 'experiment_viewed';
