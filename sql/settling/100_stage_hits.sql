-- Swaps in the hits of the people settled: what is new or changed, and what no longer holds. Whom a
-- funnel leaves out has none.
INSERT INTO stage_hits_raw
WITH
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
    ),
    stored AS
    (
        SELECT * EXCEPT (changed_at, gone)
        FROM stage_hits_raw FINAL
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
    SELECT * FROM fresh
    EXCEPT DISTINCT
    SELECT * FROM stored
)
UNION ALL
SELECT
    *,
    {version:UInt64},
    1
FROM stored
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
);
