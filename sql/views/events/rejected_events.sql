-- rejected_events: one row an arrival that was rejected and not landed since by a replay.
-- Retention (a setting, off by default) drops them from here; the ledger still counts them.
-- Duplicates: an event sent and rejected twice stands here twice, for it arrived twice.
CREATE OR REPLACE VIEW rejected_events AS
SELECT * EXCEPT replayed
FROM rejected_raw FINAL
WHERE NOT replayed;
