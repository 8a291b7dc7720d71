-- Swaps in the sessions of the people settled, with the steps that they entered meanwhile: what is
-- new or changed, and what no longer holds.
INSERT INTO sessions_raw
WITH
    stored AS
    (
        SELECT * EXCEPT (changed_at, gone)
        FROM sessions_raw FINAL
        WHERE (person_id, known) IN (SELECT person_id, known FROM touched_people)
    ),
    reached AS
    (
        SELECT
            person_id,
            known,
            arraySort(groupArray((build, entered_at, stage))) AS steps
        FROM stage_entries_raw FINAL
        WHERE kind = 'step' AND (funnel, funnel_version, build, person_id, known) IN (
            SELECT
                funnel,
                funnel_version,
                build,
                person_id,
                known
            FROM (SELECT DISTINCT funnel, funnel_version, build FROM stage_rules) AS versions
            CROSS JOIN touched_people
        )
        GROUP BY
            person_id,
            known
    ),
    made AS
    (
        SELECT
            cut_sessions.* EXCEPT (entered, changed_at, gone),
            arrayFilter(step -> step.2 BETWEEN started_at AND ended_at, steps) AS entered
        FROM cut_sessions
        LEFT JOIN reached ON cut_sessions.person_id = reached.person_id AND cut_sessions.known = reached.known
    )
SELECT
    *,
    {version:UInt64} AS changed_at,
    0 AS gone
FROM
(
    SELECT * FROM made
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
