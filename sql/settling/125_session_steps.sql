-- The steps that the people settled entered.
INSERT INTO session_steps
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
    known;
