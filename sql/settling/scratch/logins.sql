-- logins: one row a login on the devices whose owners are wanted.
CREATE TEMPORARY TABLE logins AS device_logins
ENGINE = Memory;
