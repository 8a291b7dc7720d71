-- Swaps in the hits of the people settled: what is new or changed, and what no longer holds. Whom a
-- funnel leaves out has none.
INSERT INTO stage_hits_raw
WITH
    before AS
    (
        SELECT DISTINCT
            build,
            person_id,
            known
        FROM stored_hits
    ),
    fresh AS
    (
        SELECT * EXCEPT (changed_at, gone)
        FROM hits
        WHERE (build, person_id, known) NOT IN (
            SELECT
                build,
                person_id,
                known
            FROM hits
            WHERE kind = 'excluded'
        )
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
    SELECT * EXCEPT (changed_at, gone) FROM stored_hits
)
UNION ALL
SELECT
    * EXCEPT (changed_at, gone),
    {version:UInt64},
    1
FROM stored_hits
WHERE (build, person_id, known, event_time, stage_position, stage, source, event_id) NOT IN (
    SELECT
        build,
        person_id,
        known,
        event_time,
        stage_position,
        stage,
        source,
        event_id
    FROM fresh
    WHERE (build, person_id, known) IN (SELECT build, person_id, known FROM before)
)
SETTINGS optimize_on_insert = 0;
