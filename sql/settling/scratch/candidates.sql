-- candidates: one row an event that reached a stage, of the people settled or of another user of
-- their devices; copies that lose to one elsewhere are still among them.
CREATE TEMPORARY TABLE candidates AS stage_events
ENGINE = Memory;
