-- device_logins_mv: notes each row inserted into events_raw that links a device with a user.
CREATE MATERIALIZED VIEW IF NOT EXISTS device_logins_mv TO device_logins AS
SELECT
    arrayJoin(
        arrayFilter(
            id -> id NOT IN ('', user_id),
            arrayDistinct([
                events_raw.anonymous_id,
                if(event_type = 'alias', JSONExtractString(payload, 'previousId'), '')
            ])
        )
    ) AS anonymous_id,
    source,
    event_id,
    arrival,
    event_time,
    user_id,
    anonymous_id != events_raw.anonymous_id AS former
FROM events_raw
WHERE user_id != '';
