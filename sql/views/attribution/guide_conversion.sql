-- guide_conversion: one row a way to the guide and whether the visitor was logged in there: how
-- many of these sessions led to a stage, beside comparable sessions without the guide.
-- Parameters: funnel, stage, first_day and last_day of the sessions, within_days.
-- came_by is cta or section (came_from names it: the last one clicked or seen before the guide
-- opened in the session), else what the guide's event says (youtube, message, direct ...), else the
-- channel of the session. A session converts when its person enters the stage, under the version in
-- force on that day, within the session, within 3 or within_days days of its begin; a server's event
-- counts by its time. A person with several sessions counts in each.
-- Comparable: sessions of the same days and device class that began on the same page and did not
-- open the guide; their share is weighted by the begins of the guide's sessions (direct
-- standardisation), which leaves out begins that no session without the guide shares.
-- Bots are left out. Duplicates and late events: as in `stage_entries` and `sessions`.
CREATE OR REPLACE VIEW guide_conversion AS
WITH
    visits AS
    (
        SELECT
            *,
            (entry_host, entry_path, device_class) AS beginning,
            guide_opened_at IS NOT NULL AS guided
        FROM sessions
        WHERE NOT is_bot
            AND started_at >= toDateTime64({first_day:Date}, 6, '${timezone}')
            AND started_at < toDateTime64({last_day:Date} + 1, 6, '${timezone}')
    ),
    conversions AS
    (
        SELECT
            person_id,
            known,
            groupArray(entered_at) AS times
        FROM stage_entries
        INNER JOIN funnels ON stage_entries.build = funnels.build
        WHERE stage_entries.funnel = {funnel:String}
            AND stage = {stage:String}
            AND toDate(entered_at, '${timezone}') BETWEEN valid_from AND valid_until
        GROUP BY
            person_id,
            known
    ),
    judged AS
    (
        SELECT
            beginning,
            guided,
            guide_logged_in,
            multiIf(
                NOT guided, '',
                guide_cta != '', 'cta',
                guide_section != '', 'section',
                guide_entry != '', toString(guide_entry),
                toString(channel)
            ) AS came_by,
            multiIf(came_by = 'cta', guide_cta, came_by = 'section', guide_section, '') AS came_from,
            arrayExists(at -> at BETWEEN started_at AND ended_at, times) AS in_session,
            arrayExists(at -> at >= started_at AND at < started_at + toIntervalDay(3), times) AS in_3_days,
            arrayExists(
                at -> at >= started_at AND at < started_at + toIntervalDay({within_days:UInt16}),
                times
            ) AS in_time
        FROM visits
        LEFT JOIN conversions
            ON visits.person_id = conversions.person_id
            AND visits.known = conversions.known
    ),
    comparable AS
    (
        SELECT
            beginning,
            count() AS sessions,
            avg(in_time) AS share
        FROM judged
        WHERE NOT guided
        GROUP BY beginning
    )
SELECT
    came_by,
    came_from,
    guide_logged_in AS logged_in,
    count() AS sessions,
    sum(in_session) AS converted_in_session,
    sum(in_3_days) AS converted_within_3_days,
    sum(in_time) AS converted_in_time,
    avg(in_session) AS share_in_session,
    avg(in_3_days) AS share_within_3_days,
    avg(in_time) AS share_in_time,
    countIf(comparable.sessions > 0) AS compared_sessions,
    arraySum(one -> one.2, groupUniqArray((judged.beginning, comparable.sessions))) AS comparable_sessions,
    if(
        compared_sessions = 0,
        NULL,
        sumIf(comparable.share, comparable.sessions > 0) / compared_sessions
    ) AS comparable_share_in_time,
    if(
        compared_sessions = 0,
        NULL,
        sumIf(in_time, comparable.sessions > 0) / compared_sessions - comparable_share_in_time
    ) AS difference
FROM judged
LEFT JOIN comparable ON judged.beginning = comparable.beginning
WHERE guided
GROUP BY
    came_by,
    came_from,
    logged_in;
