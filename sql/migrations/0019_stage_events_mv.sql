-- stage_events_mv: each row inserted into events_raw, beside every stage that it reaches.
-- The one place where stage rules meet events: a new build runs this same SELECT, as the engine
-- keeps it, over all of events_raw. Bots reach no stage. An event counts in a funnel only when its
-- property `product` is the funnel's. A server's event and one that follows an inner page tell no
-- channel: they say nothing of how the person came. Properties are parsed once an event, for all
-- rules; values are compared as JSON, in the engine's own writing; what is no number lies within no
-- bounds.
CREATE MATERIALIZED VIEW IF NOT EXISTS stage_events_mv TO stage_events AS
WITH
    json -> multiIf(
        startsWith(json, '"'), JSONExtractString(json),
        json = 'null', '',
        json
    ) AS text_of
SELECT
    if(event.user_id != '', event.user_id, event.anonymous_id) AS actor,
    event.user_id != '' AS known,
    rule.build AS build,
    rule.stage_position AS stage_position,
    rule.stage AS stage,
    rule.kind AS kind,
    rule.reenter AS reenter,
    event.source AS source,
    event.event_id AS event_id,
    event.arrival AS arrival,
    event.event_time AS event_time,
    event.session_id AS session_id,
    text_of(event.told[rule.reads['track']]) AS track,
    text_of(event.told[rule.reads['cohort']]) AS cohort,
    text_of(event.told[rule.reads['segment']]) AS segment,
    text_of(event.told[rule.reads['card_holder']]) AS card_holder,
    if(event.server OR event.channel = 'internal', '', event.channel) AS channel,
    text_of(event.told[rule.reads['detail']]) AS detail,
    text_of(event.told[rule.reads['cluster']]) AS cluster,
    JSONExtract(event.told[rule.reads['amount']], 'Nullable(Decimal(18, 2))') AS amount
FROM
(
    SELECT
        *,
        CAST(JSONExtractKeysAndValuesRaw(properties), 'Map(String, String)') AS told
    FROM events_raw
    WHERE NOT is_bot AND event_name IN (SELECT event_name FROM stage_rules)
) AS event
INNER JOIN stage_rules AS rule ON event.event_name = rule.event_name
WHERE text_of(event.told['product']) = rule.product
    AND arrayAll(
        condition -> multiIf(
            condition.operator = 'exists',
            mapContains(event.told, condition.property) = (condition.expected[1] = 'true'),
            condition.operator IN ('is', 'in'),
            has(condition.expected, event.told[condition.property]),
            condition.operator = 'not',
            NOT has(condition.expected, event.told[condition.property]),
            toFloat64OrNull(event.told[condition.property]) IS NULL,
            false,
            condition.operator = 'gt',
            toFloat64OrZero(event.told[condition.property]) > toFloat64(condition.expected[1]),
            condition.operator = 'gte',
            toFloat64OrZero(event.told[condition.property]) >= toFloat64(condition.expected[1]),
            condition.operator = 'lt',
            toFloat64OrZero(event.told[condition.property]) < toFloat64(condition.expected[1]),
            condition.operator = 'lte',
            toFloat64OrZero(event.told[condition.property]) <= toFloat64(condition.expected[1]),
            false
        ),
        rule.wanted
    );
