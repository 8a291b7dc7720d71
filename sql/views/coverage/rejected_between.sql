-- rejected_between: one row a rejected event received from `since` until before `until` (wall clocks
-- of the report timezone), of a test run, or for run = '' of no run.
-- page_host and page_path are of the page that the event names, else of the one that sent it.
-- Duplicates: an event sent and rejected twice stands here twice, for it arrived twice.
CREATE OR REPLACE VIEW rejected_between AS
WITH
    toDateTime64({since:DateTime64(3, '${timezone}')}, 6, 'UTC') AS first,
    toDateTime64({until:DateTime64(3, '${timezone}')}, 6, 'UTC') AS last,
    rejected AS
    (
        SELECT
            received_at,
            source,
            arrival,
            event_id,
            event_name,
            sent_name,
            reason,
            path,
            detail,
            page,
            payload
        FROM rejected_events
        WHERE {run:String} = ''
            AND arrival >= bitShiftLeft(toUInt64(greatest(toUnixTimestamp64Micro(first), 0)), 12)
            AND arrival < bitShiftLeft(toUInt64(greatest(toUnixTimestamp64Micro(last), 0)), 12)
        UNION ALL
        SELECT
            received_at,
            source,
            arrival,
            event_id,
            event_name,
            sent_name,
            reason,
            path,
            detail,
            page_url,
            payload
        FROM run_events
        WHERE {run:String} != ''
            AND run = {run:String}
            AND reason != ''
            AND received_at >= first
            AND received_at < last
    )
SELECT
    * EXCEPT page,
    JSONExtractString(payload, 'context', 'page', 'url') AS told_page,
    if(told_page != '', told_page, page) AS page_url,
    domain(page_url) AS page_host,
    path(page_url) AS page_path,
    JSONExtractString(payload, 'context', 'app', 'version') AS release,
    JSONExtractString(payload, 'anonymousId') AS anonymous_id,
    cityHash64(if(anonymous_id != '', anonymous_id, JSONExtractString(payload, 'userId'))) AS device
FROM rejected;
