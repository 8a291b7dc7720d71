-- stored_sessions: one row a session that the people settled had before.
CREATE TEMPORARY TABLE stored_sessions AS sessions_raw
ENGINE = Memory;
