-- unplanned_events_between: one row a name that the plan has not, and a source and page that sent it:
-- how often it came, taken or rejected, and the planned name most like it. Parameters: run ('' for
-- events of no run), since, until (wall clocks of the report timezone).
-- Duplicates: copies of an accepted event count as its first copy; rejected ones each count.
CREATE OR REPLACE VIEW unplanned_events_between AS
WITH
    came AS
    (
        SELECT
            sent_name,
            source,
            page_host,
            page_path,
            received_at,
            device,
            false AS rejected
        FROM seen_between(run = {run:String}, since = {since:DateTime64(3, '${timezone}')}, until = {until:DateTime64(3, '${timezone}')})
        WHERE NOT planned
        UNION ALL
        SELECT
            sent_name,
            source,
            page_host,
            page_path,
            received_at,
            device,
            true
        FROM rejected_between(run = {run:String}, since = {since:DateTime64(3, '${timezone}')}, until = {until:DateTime64(3, '${timezone}')})
        WHERE reason = 'unknown_event'
    ),
    counted AS
    (
        SELECT
            sent_name,
            source,
            page_host,
            page_path,
            count() AS events,
            countIf(rejected) AS events_rejected,
            uniqExact(device) AS devices,
            min(received_at) AS first_seen,
            max(received_at) AS last_seen
        FROM came
        GROUP BY
            sent_name,
            source,
            page_host,
            page_path
    ),
    (SELECT groupArray(event) FROM planned_events) AS planned,
    replaceRegexpAll(lowerUTF8(substringUTF8(sent_name, 1, 100)), '[^\\p{L}\\p{N}]+', '_') AS folded
SELECT
    counted.*,
    arraySort(name -> (damerauLevenshteinDistance(name, folded), name), planned)[1] AS nearest,
    damerauLevenshteinDistance(nearest, folded) AS edits
FROM counted
ORDER BY
    events DESC,
    sent_name,
    source,
    page_host,
    page_path;
