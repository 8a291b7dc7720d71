-- traffic_sources: one row a channel, source and campaign of sessions: how many sessions and people
-- came by it, and its share, beside as many days before.
-- Parameters: first_day and last_day (included; days of the report timezone on which sessions begin).
-- Inputs: `sessions`, bots left out. Channel, source and campaign are those of the session's first
-- event; source is utm_source, or else the host that referred; empty where neither is told.
-- People count once in a row and once in the whole that their shares are of, so shares of people may
-- add up to more than 1. Changes are differences of shares (%p); shares are NULL without any session.
-- Columns: channel, source, campaign, sessions, sessions_share, sessions_before,
-- sessions_share_before, sessions_share_change, people, people_share, people_before,
-- people_share_before, people_share_change.
-- Duplicates and late events: as in `sessions`; a late event may lengthen, join or begin sessions.
CREATE OR REPLACE VIEW traffic_sources AS
WITH
    toDateTime64({first_day:Date}, 6, '${timezone}') AS begin,
    visits AS
    (
        SELECT
            channel,
            if(utm_source != '', utm_source, referrer_host) AS source,
            utm_campaign AS campaign,
            (person_id, known) AS person,
            started_at >= begin AS now
        FROM sessions
        WHERE NOT is_bot
            AND started_at >= toDateTime64(
                {first_day:Date} - ({last_day:Date} - {first_day:Date} + 1), 6, '${timezone}'
            )
            AND started_at < toDateTime64({last_day:Date} + 1, 6, '${timezone}')
    ),
    counted AS
    (
        SELECT
            channel,
            source,
            campaign,
            grouping(channel) = 1 AS is_whole,
            countIf(now) AS sessions,
            countIf(NOT now) AS sessions_before,
            uniqExactIf(person, now) AS people,
            uniqExactIf(person, NOT now) AS people_before,
            sum(if(is_whole, sessions, 0)) OVER () AS all_sessions,
            sum(if(is_whole, sessions_before, 0)) OVER () AS all_sessions_before,
            sum(if(is_whole, people, 0)) OVER () AS all_people,
            sum(if(is_whole, people_before, 0)) OVER () AS all_people_before
        FROM visits
        GROUP BY GROUPING SETS ((channel, source, campaign), ())
    )
SELECT
    channel,
    source,
    campaign,
    sessions,
    sessions / nullIf(all_sessions, 0) AS sessions_share,
    sessions_before,
    sessions_before / nullIf(all_sessions_before, 0) AS sessions_share_before,
    sessions_share - sessions_share_before AS sessions_share_change,
    people,
    people / nullIf(all_people, 0) AS people_share,
    people_before,
    people_before / nullIf(all_people_before, 0) AS people_share_before,
    people_share - people_share_before AS people_share_change
FROM counted
WHERE NOT is_whole;
