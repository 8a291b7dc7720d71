-- The logins on these devices.
INSERT INTO logins
SELECT *
FROM device_logins FINAL
WHERE anonymous_id IN (SELECT actor FROM actors WHERE NOT known);
