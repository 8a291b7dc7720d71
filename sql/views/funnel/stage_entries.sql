-- stage_entries: one row an entry of a person into a stage of a funnel's version: the first event,
-- by event time, by which they reached it in a track and intake; each day or each event where the
-- stage may be re-entered; each event of a measure (kind `measure`). Events of one moment stand in
-- the order of source and event id. People are as in `people`; an event without any id is nobody's,
-- and who has an event that the version excludes has no entry at all.
-- segment, card_holder and channel are the last that the person's events in this funnel told until
-- the entry; a server and an inner page tell no channel. detail, cluster and amount are what the
-- funnel's file keeps of the event. An empty track or intake goes together with any.
-- `started_at` and `start_…` are of the first entry into stage one that goes together with this, be
-- it later than this; first_of_start tells one entry a stage apart for each start, the first.
-- `left_at` of a step is when the first later step or terminal stage came that goes together with
-- it, be it before the step itself: whoever is further, or out, stands here no more. An entry into
-- the same step that tells the track or intake which this one leaves open ends it, too. `left_stage`
-- of a terminal stage is the furthest step reached until then that goes together with it. `repeated`
-- entries are not the first of the person into the stage in their track and intake.
-- Duplicates: copies of an event count as its first copy. A late event, login or alias puts each
-- entry of its people where it belongs.
CREATE OR REPLACE VIEW stage_entries AS
SELECT * EXCEPT (row_hash, changed_at, gone)
FROM stage_entries_raw FINAL
WHERE build IN (SELECT build FROM funnels)
SETTINGS optimize_move_to_prewhere_if_final = 1;
