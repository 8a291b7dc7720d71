-- events: one row an event.
-- Retention (a setting, off by default) drops events from here alone; reports are kept.
-- Duplicates: of copies with one (source, event_id) the first received stands here; one that comes
-- after retention has dropped the first stands here as it came, and counts in no report.
CREATE OR REPLACE VIEW events AS
SELECT *
FROM events_raw FINAL;
