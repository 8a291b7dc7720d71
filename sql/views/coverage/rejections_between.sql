-- rejections_between: one row a reason, path, event, source, page and release: how many events were
-- rejected for it, when first and last, and an example. Parameters: run ('' for events of no run),
-- since, until (wall clocks of the report timezone).
-- Duplicates: an event sent and rejected twice counts twice, for it arrived twice; one that a replay
-- has landed since counts no more.
CREATE OR REPLACE VIEW rejections_between AS
SELECT
    reason,
    path,
    event_name,
    sent_name,
    source,
    page_host,
    page_path,
    release,
    count() AS events,
    uniqExact(device) AS devices,
    min(received_at) AS first_seen,
    max(received_at) AS last_seen,
    argMax(detail, arrival) AS detail,
    argMax(payload, arrival) AS example
FROM rejected_between(run = {run:String}, since = {since:DateTime64(3, '${timezone}')}, until = {until:DateTime64(3, '${timezone}')})
GROUP BY
    reason,
    path,
    event_name,
    sent_name,
    source,
    page_host,
    page_path,
    release
ORDER BY
    events DESC,
    reason,
    path,
    sent_name;
