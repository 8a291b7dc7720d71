-- Swaps in the steps of the people settled: what is new or changed, and what no longer holds.
INSERT INTO stage_hits_raw
WITH
    fresh AS
    (
        SELECT
            builds.funnel AS funnel,
            builds.funnel_version AS funnel_version,
            hits.build AS build,
            person_id,
            known,
            event_time,
            stage_position,
            source,
            event_id,
            session_id,
            track
        FROM hits
        INNER JOIN builds ON hits.build = builds.build
        WHERE kind = 'step'
            AND (build, person_id, known) NOT IN (
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
WHERE (build, person_id, known, event_time, stage_position, source, event_id) NOT IN (
    SELECT
        build,
        person_id,
        known,
        event_time,
        stage_position,
        source,
        event_id
    FROM fresh
);
