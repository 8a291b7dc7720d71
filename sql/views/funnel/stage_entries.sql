-- stage_entries: one row a funnel version, product, track, cohort, stage and person: the first
-- event by which the person reached the stage, by event time.
-- Duplicates: copies of an event count as its first copy; a late event that is earlier moves the
-- entry back to its own time.
CREATE OR REPLACE VIEW stage_entries AS
SELECT
    funnel,
    funnel_version,
    product,
    track,
    cohort,
    stage_position,
    stage,
    person_id,
    min(event_time) AS entered_at
FROM stage_events FINAL
WHERE (source, event_id, arrival) NOT IN (
    SELECT
        source,
        event_id,
        arrival
    FROM duplicate_events
)
GROUP BY
    funnel,
    funnel_version,
    product,
    track,
    cohort,
    stage_position,
    stage,
    person_id;
