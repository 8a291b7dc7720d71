-- Swaps in the sessions of the people settled: what is new or changed, and what no longer holds.
INSERT INTO sessions_raw
WITH
    before AS
    (
        SELECT DISTINCT
            person_id,
            known
        FROM stored_sessions
    ),
    fresh AS
    (
        SELECT * EXCEPT (changed_at, gone)
        FROM fresh_sessions
    )
SELECT
    *,
    {version:UInt64} AS changed_at,
    0 AS gone
FROM fresh
WHERE (person_id, known) NOT IN (SELECT person_id, known FROM before)
UNION ALL
SELECT
    *,
    {version:UInt64},
    0
FROM
(
    SELECT * FROM fresh WHERE (person_id, known) IN (SELECT person_id, known FROM before)
    EXCEPT
    SELECT * EXCEPT (changed_at, gone) FROM stored_sessions
)
UNION ALL
SELECT
    * EXCEPT (changed_at, gone),
    {version:UInt64},
    1
FROM stored_sessions
WHERE (person_id, known, started_at, session_id) NOT IN (
    SELECT
        person_id,
        known,
        started_at,
        session_id
    FROM fresh
    WHERE (person_id, known) IN (SELECT person_id, known FROM before)
)
SETTINGS optimize_on_insert = 0;
