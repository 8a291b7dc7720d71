-- The stored sessions of the people settled, with the steps that they entered meanwhile.
INSERT INTO cut_sessions
SELECT
    stored_sessions.* EXCEPT (entered, changed_at, gone),
    arrayFilter(step -> step.2 BETWEEN started_at AND ended_at, steps) AS entered,
    {version:UInt64} AS changed_at,
    0 AS gone
FROM stored_sessions
LEFT JOIN session_steps
    ON stored_sessions.person_id = session_steps.person_id
    AND stored_sessions.known = session_steps.known;
