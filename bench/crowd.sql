-- Events of a crowd, made of numbers alone: event n is the n % 10-th of person n / 10. Of 100 people
-- 70 stay anonymous, 10 are users throughout, 20 log in half-way; 25 click, 8 apply, 5 are passed, 3
-- join Slack and 2 pay, as the demo's weeks have it; in all 35 of 100 events reach a stage. What a
-- server sends names no device. They spread over the year before `until`.
-- Visit 0 makes `events` events from event `first` on; each `every`-th of these again, received
-- `late_days` later, are duplicates. Another visit makes new events of people drawn from the crowd.
WITH
    ['kotlin', 'java', 'react', 'node', 'unity', 'data', 'design', 'ios'] AS tracks,
    ['취준생', '직장인', '프리랜서', '학생'] AS occupations,
    [
        ('direct', '', '', ''), ('paid_search', 'naver', 'cpc', 'search.naver.com'),
        ('paid_social', 'instagram', 'paid_social', ''), ('organic_search', '', '', 'www.google.com'),
        ('video', 'youtube', 'video', 'www.youtube.com'), ('crm', 'crm', 'kakao', '')
    ] AS ways,
    if({visit:UInt64} = 0, number * {every:UInt64}, sipHash64(number, {visit:UInt64}) % {crowd:UInt64}) AS n,
    intDiv(n, 10) AS person,
    n % 10 AS step,
    sipHash64(person) AS chance,
    chance % 10000 / 100 AS rank,
    [
        'page_viewed',
        'scroll_depth_reached',
        'page_viewed',
        'section_viewed',
        if(rank < 25, 'cta_clicked', 'scroll_depth_reached'),
        if(rank < 8.33, 'first_application_submitted', 'page_viewed'),
        multiIf(rank < 5.4, 'document_passed', rank < 20, 'message_sent', 'section_viewed'),
        multiIf(rank < 3, 'slack_joined', rank < 6, 'message_clicked', rank < 9, 'guide_opened', 'page_left'),
        multiIf(rank < 2, 'payment_completed', rank < 4, 'inquiry_opened', 'engaged_time'),
        multiIf(
            rank < 0.2, 'payment_refunded',
            rank < 5.4 AND bitShiftRight(chance, 32) % 7 = 0, 'withdrawn',
            'engaged_time'
        )
    ][step + 1] AS name,
    name IN (
        'document_passed', 'message_sent', 'slack_joined', 'payment_completed', 'payment_refunded',
        'withdrawn'
    ) AS by_server,
    bitShiftRight(chance, 16) % (360 * 86400) AS comes_after_s,
    intDiv(comes_after_s, 31 * 86400) + 1 AS intake,
    least(365 * 86400 - comes_after_s, 26 * 86400) AS stays_s,
    {until:DateTime64(6, 'UTC')} - toIntervalDay(365) + toIntervalSecond(comes_after_s)
        + toIntervalSecond(intDiv(step * step * step * stays_s, 1000) + sipHash64(n) % 3600)
        + toIntervalMicrosecond(n % 1000000) AS at,
    if(bitShiftRight(chance, 8) % 100 = 0, 86400 * (step % 5), 0) + n % 7 AS late_s,
    at + toIntervalSecond(late_s) + toIntervalDay({late_days:UInt64}) AS came,
    ways[bitShiftRight(chance, 20) % 6 + 1] AS way,
    tracks[bitShiftRight(chance, 24) % 8 + 1] AS track,
    concat('{"product":"nbcamp","track":"', track, '"') AS of_page,
    concat(
        of_page,
        ',"cohort":"', toString(intake), '기',
        '","occupation":"', occupations[bitShiftRight(chance, 28) % 4 + 1],
        '","card_holder":', if(bitShiftRight(chance, 30) % 3 = 0, 'true', 'false')
    ) AS of_person
SELECT
    if(by_server, 'backend', 'web') AS source,
    reinterpretAsUUID(sipHash128(n, {visit:UInt64})) AS event_id,
    bitShiftLeft(toUInt64(toUnixTimestamp64Micro(came)), 12) AS arrival,
    by_server AS server,
    came AS received_at,
    at AS event_time,
    if(name = 'page_viewed', 'page', 'track') AS event_type,
    name AS event_name,
    name AS sent_name,
    '1-0-0' AS schema_version,
    true AS planned,
    if(by_server, '', toString(reinterpretAsUUID(sipHash128(person, 'device')))) AS anonymous_id,
    if(
        by_server OR (rank >= 20 AND rank < 30) OR (rank < 20 AND step >= 5),
        concat('user-', hex(chance)),
        ''
    ) AS user_id,
    if(by_server, '', hex(sipHash64(person, intDiv(step, 3), {visit:UInt64}))) AS session_id,
    if(by_server, '', concat('https://nbcamp.example/', track, '?utm_source=', way.2)) AS page_url,
    if(by_server, '', 'nbcamp.example') AS page_host,
    if(by_server, '', concat('/', track)) AS page_path,
    if(by_server, '', way.1) AS channel,
    if(by_server, '', way.2) AS utm_source,
    if(by_server, '', way.3) AS utm_medium,
    if(by_server OR way.2 = '', '', concat(track, '_', toString(intake))) AS utm_campaign,
    if(by_server, '', way.4) AS referrer_host,
    if(by_server, '', ['desktop', 'mobile'][person % 2 + 1]) AS device_class,
    if(by_server, '', ['Windows', 'Android', 'iOS'][person % 3 + 1]) AS os,
    if(by_server, '', ['Chrome', 'Samsung Internet', 'Safari'][person % 3 + 1]) AS browser,
    if(by_server, '', 'ko-KR') AS locale,
    'analytics.js' AS library,
    multiIf(
        name = 'page_viewed', concat(of_page, '}'),
        name = 'scroll_depth_reached', concat(of_page, ',"depth":', toString(n % 4 * 25 + 25), '}'),
        name = 'section_viewed', concat(of_page, ',"section_id":"', ['hero', 'price'][n % 2 + 1], '"}'),
        name = 'engaged_time', concat(of_page, ',"engaged_ms":', toString(n % 60000), '}'),
        name = 'cta_clicked', concat(of_page, ',"cta_id":"apply","position":"hero"}'),
        name = 'guide_opened', concat(of_page, ',"guide_id":"kdt","entry":"youtube"}'),
        name = 'inquiry_opened', concat(of_person, ',"topic":"schedule"}'),
        name = 'payment_completed',
        concat(of_person, ',"order_id":"', hex(person), '","amount":300000,"currency":"KRW"}'),
        name = 'payment_refunded',
        concat(of_person, ',"order_id":"', hex(person), '","amount":300000,"reason":"schedule"}'),
        name = 'withdrawn',
        concat(of_person, ',"stage":"', if(rank < 2, 'registered', 'slack_joined'), '","reason":"schedule"}'),
        name IN ('message_sent', 'message_clicked'),
        concat(
            of_person, ',"campaign":"deadline_', toString(intake),
            '","channel":"kakao","cluster":"', ['a', 'b'][person % 2 + 1], '"}'
        ),
        concat(of_person, '}')
    ) AS properties,
    properties AS payload
FROM numbers(intDiv({first:UInt64}, {every:UInt64}), intDiv({events:UInt64}, {every:UInt64}))
