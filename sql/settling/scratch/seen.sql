-- seen: one row an event that no server sent, of the people settled or of another user of their
-- devices; copies that lose to one elsewhere are still among them.
CREATE TEMPORARY TABLE seen AS session_events
ENGINE = Memory;
