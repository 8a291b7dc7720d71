-- Adds the steps of the builds to the stored sessions of a slice of everybody.
INSERT INTO sessions_raw
SELECT
    sessions.* EXCEPT (entered, changed_at, gone),
    arraySort(arrayConcat(
        arrayFilter(step -> step.build NOT IN (SELECT build FROM builds), entered),
        arrayFilter(step -> step.2 BETWEEN started_at AND ended_at, steps)
    )) AS entered,
    {version:UInt64} AS changed_at,
    0 AS gone
FROM
(
    SELECT *
    FROM sessions_raw FINAL
    WHERE cityHash64(person_id) % {slices:UInt32} = {slice:UInt32}
) AS sessions
INNER JOIN
(
    SELECT
        person_id,
        known,
        groupArray((build, entered_at, stage)) AS steps
    FROM stage_entries_raw FINAL
    WHERE kind = 'step'
        AND build IN (SELECT build FROM builds)
        AND cityHash64(person_id) % {slices:UInt32} = {slice:UInt32}
    GROUP BY
        person_id,
        known
) AS reached
ON sessions.person_id = reached.person_id AND sessions.known = reached.known
WHERE arrayExists(step -> step.2 BETWEEN started_at AND ended_at, steps);
