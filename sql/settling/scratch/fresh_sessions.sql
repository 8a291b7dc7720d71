-- fresh_sessions: one row a session of the people settled, as it is now, steps included.
CREATE TEMPORARY TABLE fresh_sessions AS sessions_raw
ENGINE = Memory;
