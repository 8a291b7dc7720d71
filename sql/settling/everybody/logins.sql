-- logins: one row a login on a device of the slice.
CREATE TEMPORARY VIEW logins AS
SELECT *
FROM device_logins FINAL
WHERE cityHash64(anonymous_id) % ${slices} = ${slice};
