-- The sessions that these events make, by the rules of `sessions`.
INSERT INTO cut_sessions
WITH
    beginnings AS
    (
        SELECT
            *,
            session_id = '' AND (
                row_number() OVER earlier = 1
                OR event_time > lagInFrame(event_time) OVER earlier + toIntervalSecond(${session_timeout_s})
            ) AS begins
        FROM visits
        WINDOW earlier AS (
            PARTITION BY person_id, known, session_id
            ORDER BY event_time ASC, source ASC, event_id ASC
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        )
    ),
    cut AS
    (
        SELECT
            *,
            row_number() OVER earlier AS place,
            countIf(begins) OVER earlier AS nth
        FROM beginnings
        WINDOW earlier AS (
            PARTITION BY person_id, known, session_id
            ORDER BY event_time ASC, source ASC, event_id ASC
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        )
    ),
    summed AS
    (
        SELECT
            person_id,
            known,
            cut.session_id AS sent_id,
            min(event_time) AS started_at,
            argMin(source, place) AS first_source,
            argMin(event_id, place) AS first_event_id,
            max(event_time) AS ended_at,
            max(logged_in) AS logged_in,
            minIf(event_time, cut.logged_in) AS login_at,
            max(is_bot) AS is_bot,
            argMinIf(page_host, place, page_host != '') AS entry_host,
            argMinIf(page_path, place, page_host != '') AS entry_path,
            argMaxIf(page_host, place, page_host != '') AS exit_host,
            argMaxIf(page_path, place, page_host != '') AS exit_path,
            argMin(channel, place) AS channel,
            argMin(utm_source, place) AS utm_source,
            argMin(utm_medium, place) AS utm_medium,
            argMin(utm_campaign, place) AS utm_campaign,
            argMin(referrer_host, place) AS referrer_host,
            argMin(device_class, place) AS device_class,
            countIf(event_name = 'page_viewed') AS pages,
            count() AS events,
            sumIf(number, event_name = 'engaged_time') / 1000 AS engaged_s,
            maxIf(number, event_name = 'scroll_depth_reached') AS deepest_scroll,
            arraySort(groupArrayIf((place, detail), event_name = 'section_viewed' AND detail != '')) AS sections,
            arraySort(groupArrayIf((place, detail), event_name = 'cta_clicked' AND detail != '')) AS ctas,
            arraySort(groupUniqArrayIf(detail, event_name = 'experiment_viewed')) AS variants_seen,
            arraySort(groupArrayIf((place, detail), event_name = 'guide_opened')) AS guides,
            minIf(event_time, event_name = 'guide_opened') AS opened_at
        FROM cut
        GROUP BY
            person_id,
            known,
            cut.session_id,
            nth
    )
SELECT
    person_id,
    known,
    if(sent_id != '', sent_id, concat(first_source, ' ', toString(first_event_id))) AS session_id,
    started_at,
    ended_at,
    logged_in,
    is_bot,
    entry_host,
    entry_path,
    exit_host,
    exit_path,
    channel,
    utm_source,
    utm_medium,
    utm_campaign,
    referrer_host,
    device_class,
    pages,
    events,
    engaged_s,
    deepest_scroll,
    arrayDistinct(sections.2) AS sections_seen,
    arrayDistinct(ctas.2) AS ctas_clicked,
    variants_seen,
    if(empty(guides), NULL, opened_at) AS guide_opened_at,
    notEmpty(guides) AND logged_in AND login_at <= opened_at AS guide_logged_in,
    guides[1].2 AS guide_entry,
    arrayFilter(seen -> seen.1 < guides[1].1, sections)[-1].2 AS guide_section,
    arrayFilter(clicked -> clicked.1 < guides[1].1, ctas)[-1].2 AS guide_cta,
    pages <= 1 AND empty(ctas) AND empty(guides) AND engaged_s < 10 AS bounced,
    [] AS entered,
    {version:UInt64} AS changed_at,
    0 AS gone
FROM summed;
