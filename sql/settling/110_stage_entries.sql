-- Swaps in the entries of the people settled: what is new or changed, and what no longer holds.
INSERT INTO stage_entries_raw
WITH
    before AS
    (
        SELECT DISTINCT
            build,
            person_id,
            known
        FROM stored_entries
    ),
    fresh AS
    (
        SELECT * EXCEPT (changed_at, gone)
        FROM entries
    )
SELECT
    *,
    {version:UInt64} AS changed_at,
    0 AS gone
FROM fresh
WHERE (build, person_id, known) NOT IN (SELECT build, person_id, known FROM before)
UNION ALL
SELECT
    *,
    {version:UInt64},
    0
FROM
(
    SELECT * FROM fresh WHERE (build, person_id, known) IN (SELECT build, person_id, known FROM before)
    EXCEPT
    SELECT * EXCEPT (changed_at, gone) FROM stored_entries
)
UNION ALL
SELECT
    * EXCEPT (changed_at, gone),
    {version:UInt64},
    1
FROM stored_entries
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
    FROM fresh
    WHERE (build, person_id, known) IN (SELECT build, person_id, known FROM before)
)
SETTINGS optimize_on_insert = 0;
