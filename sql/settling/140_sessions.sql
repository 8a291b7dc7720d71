-- Swaps in the sessions of the people settled: what is new or changed, and what no longer holds.
INSERT INTO sessions_raw
WITH stored AS
    (
        SELECT * EXCEPT (changed_at, gone)
        FROM sessions_raw FINAL
        WHERE (person_id, known) IN (SELECT person_id, known FROM touched_people)
    )
SELECT
    *,
    {version:UInt64} AS changed_at,
    0 AS gone
FROM
(
    SELECT * EXCEPT (changed_at, gone)
    FROM cut_sessions
    EXCEPT DISTINCT
    SELECT * FROM stored
)
UNION ALL
SELECT
    *,
    {version:UInt64},
    1
FROM stored
WHERE (person_id, known, started_at, session_id) NOT IN (
    SELECT
        person_id,
        known,
        started_at,
        session_id
    FROM cut_sessions
);
