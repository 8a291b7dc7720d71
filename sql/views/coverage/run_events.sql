-- run_events: one row an event of a test run, accepted (reason empty) or rejected (with reason, path
-- and detail). No other view counts them.
-- Duplicates: of accepted copies of one event within a run the first received stands here; an event
-- sent and rejected twice stands here twice.
CREATE OR REPLACE VIEW run_events AS
SELECT *
FROM run_events_raw FINAL
WHERE reason != '' OR (run, source, event_id, arrival) IN (
    SELECT
        run,
        source,
        event_id,
        min(arrival)
    FROM run_events_raw
    WHERE reason = ''
    GROUP BY
        run,
        source,
        event_id
);
