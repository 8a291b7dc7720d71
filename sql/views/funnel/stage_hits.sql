-- stage_hits: one row an event by which a person reached a step of a funnel's version, repeated
-- ones too; people whom the version excludes have none.
-- Duplicates: copies of an event count as its first copy; people are as in `people`.
CREATE OR REPLACE VIEW stage_hits AS
SELECT
    funnel,
    funnel_version,
    build,
    person_id,
    known,
    event_time,
    stage_position,
    source,
    event_id,
    session_id,
    track
FROM stage_hits_raw FINAL
WHERE kind = 'step' AND build IN (SELECT build FROM funnels);
