-- sessions_raw: one row a session of a person, by the rules of `sessions`: of those that are
-- recomputed, as it is now, with the steps that the person entered from begin to end. A session's
-- events stand in one array in order of time.
-- Reads: session_events, stage_entries_raw, identity_map, duplicate_arrivals, stage_rules.
-- Reads as it stood: sessions_raw.
-- Swaps into: sessions_raw.
-- Key: person_id, known, started_at, session_id.
WITH
    visits AS
    (
        SELECT *
        FROM
        (
            ${owned_affected_session_events}
        )
        WHERE is_whole OR has(session_ids, session_id)
        LIMIT 1 BY
            source,
            event_id,
            arrival
    ),
    gathered AS
    (
        SELECT
            person_id,
            known,
            session_id AS sent_id,
            arraySort(
                groupArray(
                    tuple(
                        event_time,
                        source,
                        event_id,
                        event_name,
                        logged_in,
                        is_bot,
                        page_host,
                        page_path,
                        channel,
                        utm_source,
                        utm_medium,
                        utm_campaign,
                        referrer_host,
                        device_class,
                        detail,
                        number
                    )
                )
            ) AS visits,
            arrayDifference(arrayMap(time -> toUnixTimestamp64Micro(time), visits.event_time)) AS pauses,
            if(
                session_id = '',
                arraySplit((_visit, pause) -> pause > ${session_timeout_s} * 1000000, visits, pauses),
                [visits]
            ) AS sessions
        FROM visits
        GROUP BY
            person_id,
            known,
            session_id
    ),
    cut AS
    (
        SELECT
            person_id,
            known,
            sent_id,
            arrayJoin(sessions) AS visits,
            visits[1] AS first,
            arrayFirst((visit, host) -> host != '', visits, visits.page_host) AS entry,
            arrayLast((visit, host) -> host != '', visits, visits.page_host) AS exit,
            arrayFirst((visit, name) -> name = 'guide_opened', visits, visits.event_name) AS guide,
            has(visits.event_name, 'guide_opened') AS opened,
            arrayFilter(
                (visit, name, detail) -> name = 'section_viewed' AND detail != '',
                visits,
                visits.event_name,
                visits.detail
            ) AS sections,
            arrayFilter(
                (visit, name, detail) -> name = 'cta_clicked' AND detail != '',
                visits,
                visits.event_name,
                visits.detail
            ) AS ctas
        FROM gathered
    ),
    told AS
    (
        SELECT
            person_id,
            known,
            first.event_time AS started_at,
            if(sent_id != '', sent_id, concat(first.source, ' ', toString(first.event_id))) AS session_id,
            sent_id = '' AS is_timed,
            visits[-1].event_time AS ended_at,
            has(visits.logged_in, true) AS logged_in,
            has(visits.is_bot, true) AS is_bot,
            entry.page_host AS entry_host,
            entry.page_path AS entry_path,
            exit.page_host AS exit_host,
            exit.page_path AS exit_path,
            first.channel AS channel,
            first.utm_source AS utm_source,
            first.utm_medium AS utm_medium,
            first.utm_campaign AS utm_campaign,
            first.referrer_host AS referrer_host,
            first.device_class AS device_class,
            countEqual(visits.event_name, 'page_viewed') AS pages,
            length(visits) AS events,
            arraySum(
                (name, number) -> if(name = 'engaged_time', number, 0),
                visits.event_name,
                visits.number
            ) / 1000 AS engaged_s,
            arrayMax(
                (name, number) -> if(name = 'scroll_depth_reached', number, 0),
                visits.event_name,
                visits.number
            ) AS deepest_scroll,
            arrayDistinct(sections.detail) AS sections_seen,
            arrayDistinct(ctas.detail) AS ctas_clicked,
            arraySort(
                arrayDistinct(
                    arrayFilter(
                        (detail, name) -> name = 'experiment_viewed',
                        visits.detail,
                        visits.event_name
                    )
                )
            ) AS variants_seen,
            if(opened, guide.event_time, NULL) AS guide_opened_at,
            opened AND arrayExists(
                (time, is_user) -> is_user AND time <= guide.event_time,
                visits.event_time,
                visits.logged_in
            ) AS guide_logged_in,
            guide.detail AS guide_entry,
            arrayLast(one -> opened AND one < guide, sections).detail AS guide_section,
            arrayLast(one -> opened AND one < guide, ctas).detail AS guide_cta,
            pages <= 1 AND empty(ctas) AND NOT opened AND engaged_s < 10 AS bounced
        FROM cut
    )
SELECT
    sessions.*,
    arrayFilter(step -> step.2 BETWEEN sessions.started_at AND sessions.ended_at, steps) AS entered
FROM
(
    SELECT *
    FROM told
    UNION ALL
    SELECT * EXCEPT (entered, row_hash, changed_at, gone)
    FROM
    (
        ${kept_sessions}
    )
) AS sessions
LEFT JOIN
(
    ${steps}
) AS reached
ON sessions.person_id = reached.person_id AND sessions.known = reached.known
