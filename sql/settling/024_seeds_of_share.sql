-- Seeds of a share of everybody of whom any event is noted: all ids of their events.
INSERT INTO seeds
SELECT DISTINCT
    actor AS id,
    known
FROM
(
    SELECT
        actor,
        known
    FROM session_events
    UNION ALL
    SELECT
        actor,
        known
    FROM stage_events
    UNION ALL
    SELECT
        actor,
        known
    FROM exposure_events
)
WHERE actor != '' AND cityHash64(actor) % {shares:UInt32} = {share:UInt32};
