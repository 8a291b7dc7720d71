-- user_devices_mv: notes the pairs of each insert into device_logins once.
CREATE MATERIALIZED VIEW IF NOT EXISTS user_devices_mv TO user_devices AS
SELECT DISTINCT
    user_id,
    anonymous_id
FROM device_logins;
