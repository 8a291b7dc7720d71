-- The sessions of the people settled, with the steps that they entered meanwhile.
INSERT INTO fresh_sessions
WITH reached AS
    (
        SELECT
            person_id,
            known,
            arraySort(groupArray((build, entered_at, stage))) AS steps
        FROM stage_entries_raw FINAL
        WHERE kind = 'step'
            AND (funnel, funnel_version, build) IN (SELECT funnel, funnel_version, build FROM stage_rules)
            AND (person_id, known) IN (SELECT person_id, known FROM touched_people)
        GROUP BY
            person_id,
            known
    )
SELECT
    cut_sessions.* EXCEPT (entered, changed_at, gone),
    arrayFilter(step -> step.2 BETWEEN started_at AND ended_at, steps) AS entered,
    changed_at,
    gone
FROM cut_sessions
LEFT JOIN reached ON cut_sessions.person_id = reached.person_id AND cut_sessions.known = reached.known;
