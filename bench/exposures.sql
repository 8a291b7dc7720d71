-- Exposures of a crowd: on each page that one of ten devices views while the shipped experiment of
-- the guide runs, a second later; half of these devices see the Div.
-- `crowd` is the text of crowd.sql.
SELECT * REPLACE (
    reinterpretAsUUID(sipHash128(event_id, 'shown')) AS event_id,
    event_time + toIntervalSecond(1) AS event_time,
    'track' AS event_type,
    'experiment_viewed' AS event_name,
    'experiment_viewed' AS sent_name,
    concat(
        '{"experiment_id":"oopy_guide","variation_id":"',
        ['control', 'guide_div'][cityHash64(anonymous_id) % 2 + 1],
        '"}'
    ) AS properties,
    properties AS payload
)
FROM
(
    SELECT *
    FROM (${crowd})
    WHERE event_name = 'page_viewed'
        AND intDiv(cityHash64(anonymous_id), 2) % 10 = 0
        AND event_time BETWEEN '2024-08-05 00:00:00' AND '2024-08-31 14:00:00'
)
