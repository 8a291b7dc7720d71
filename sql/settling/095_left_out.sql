-- Takes back the hits of whom a funnel leaves out.
INSERT INTO stage_hits_raw
SELECT
    * EXCEPT (changed_at, gone),
    {version:UInt64} + 1 AS changed_at,
    1 AS gone
FROM hits
WHERE (build, person_id, known) IN (
    SELECT
        build,
        person_id,
        known
    FROM hits
    WHERE kind = 'excluded'
);
