-- cut_sessions: one row a session of the people settled, as it is now but for the steps entered.
CREATE TEMPORARY TABLE cut_sessions AS sessions_raw
ENGINE = Memory;
