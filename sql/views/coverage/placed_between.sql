-- placed_between: one row an event, accepted (reason empty) or rejected, at a place where the plan
-- expects events: on one of its pages, of its source. An event may be at several places, and need not
-- be expected there. Parameters: run ('' for events of no run), since, until (wall clocks of the
-- report timezone). Bots are left out.
-- Duplicates: copies of an accepted event count as its first copy; rejected ones each stand here.
CREATE OR REPLACE VIEW placed_between AS
WITH
    seen AS
    (
        SELECT
            source,
            event_name,
            page_host,
            page_path,
            toString(release) AS release,
            device,
            received_at,
            event_time,
            arrival,
            filled,
            '' AS reason,
            '' AS path
        FROM seen_between(run = {run:String}, since = {since:DateTime64(3, '${timezone}')}, until = {until:DateTime64(3, '${timezone}')})
        WHERE NOT is_bot
        UNION ALL
        SELECT
            source,
            event_name,
            page_host,
            page_path,
            release,
            device,
            received_at,
            received_at,
            arrival,
            [],
            reason,
            path
        FROM rejected_between(run = {run:String}, since = {since:DateTime64(3, '${timezone}')}, until = {until:DateTime64(3, '${timezone}')})
    ),
    (
        SELECT groupArray((coverage, pages, source))
        FROM (SELECT DISTINCT coverage, pages, source FROM expectations)
    ) AS places,
    arrayFilter(
        place -> place.3 IN ('', source)
            AND (empty(place.2) OR arrayExists(page -> concat(page_host, page_path) LIKE page, place.2)),
        places
    ) AS here
SELECT
    arrayJoin(here).1 AS coverage,
    seen.*
FROM seen
WHERE notEmpty(here);
