-- events: one row an event.
-- Duplicates: of copies with one (source, event_id) the first received stands here.
CREATE OR REPLACE VIEW events AS
SELECT *
FROM events_raw FINAL;
