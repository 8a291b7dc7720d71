-- stage_entries: one row an entry of a person into a stage of a funnel's version: the first event,
-- by event time, by which they reached it in a track and intake; each day or each event where the
-- stage may be re-entered; each event of a measure (kind `measure`).
-- A person is a user, joined with others by aliases only, or else a device (known = false): an
-- anonymous event belongs to its device's next login, else to the login before, else to the device.
-- segment, card_holder and channel are the last that the person's events in this funnel told until
-- the entry. An empty track or intake goes together with any. `started_at` and `start_…` are of the
-- first entry into stage one that goes together with this; first_of_start tells one entry a stage
-- apart for each start. `left_at` is when a later stage came, a terminal one, or an entry into the
-- same stage that tells a track or intake which this one leaves open; for terminal stages
-- `left_stage` is where the person stood. `repeated` entries are not the person's first into the
-- stage in their track and intake.
-- Duplicates: copies of an event count as its first copy. A late event, login or alias puts each
-- entry of its people where it belongs.
CREATE OR REPLACE VIEW stage_entries AS
SELECT * EXCEPT (changed_at, gone)
FROM stage_entries_raw FINAL
WHERE build IN (SELECT build FROM funnels);
