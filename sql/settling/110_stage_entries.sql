-- Swaps in the entries of the people settled: what is new or changed, and what no longer holds.
INSERT INTO stage_entries_raw
WITH stored AS
    (
        SELECT * EXCEPT (changed_at, gone)
        FROM stage_entries_raw FINAL
        WHERE (funnel, funnel_version, build, person_id, known) IN (
            SELECT
                funnel,
                funnel_version,
                build,
                person_id,
                known
            FROM builds
            CROSS JOIN touched_people
        )
    )
SELECT
    *,
    {version:UInt64} AS changed_at,
    0 AS gone
FROM
(
    SELECT * EXCEPT (changed_at, gone)
    FROM entries
    EXCEPT DISTINCT
    SELECT * FROM stored
)
UNION ALL
SELECT
    *,
    {version:UInt64},
    1
FROM stored
WHERE (build, person_id, known, stage_position, stage, track, cohort, source, event_id) NOT IN (
    SELECT
        build,
        person_id,
        known,
        stage_position,
        stage,
        track,
        cohort,
        source,
        event_id
    FROM entries
);
