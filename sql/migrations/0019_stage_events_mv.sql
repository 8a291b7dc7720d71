-- stage_events_mv: each row inserted into events_raw, beside every stage that it reaches.
-- The one place where stage rules meet events: a new build runs this same SELECT, as the engine
-- keeps it, over all of events_raw. Bots reach no stage. An event counts in a funnel only when its
-- property `product` is the funnel's. A server's event and one that follows an inner page tell no
-- channel: they say nothing of how the person came. Values are compared as JSON, in the engine's
-- own writing; what is no number lies within no bounds.
CREATE MATERIALIZED VIEW IF NOT EXISTS stage_events_mv TO stage_events AS
WITH
    (properties, name) -> multiIf(
        JSONType(properties, name) = 'String',
        JSONExtractString(properties, name),
        JSONType(properties, name) = 'Null',
        '',
        JSONExtractRaw(properties, name)
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
    text_of(event.properties, rule.reads['track']) AS track,
    text_of(event.properties, rule.reads['cohort']) AS cohort,
    text_of(event.properties, rule.reads['segment']) AS segment,
    text_of(event.properties, rule.reads['card_holder']) AS card_holder,
    if(event.server OR event.channel = 'internal', '', event.channel) AS channel,
    text_of(event.properties, rule.reads['detail']) AS detail,
    text_of(event.properties, rule.reads['cluster']) AS cluster,
    JSONExtract(event.properties, rule.reads['amount'], 'Nullable(Decimal(18, 2))') AS amount
FROM events_raw AS event
INNER JOIN stage_rules AS rule ON event.event_name = rule.event_name
WHERE NOT event.is_bot
    AND JSONExtractString(event.properties, 'product') = rule.product
    AND arrayAll(
        condition -> multiIf(
            condition.operator = 'exists',
            JSONHas(event.properties, condition.property) = (condition.expected[1] = 'true'),
            condition.operator IN ('is', 'in'),
            arrayExists(
                text -> JSONExtractRaw(text) = JSONExtractRaw(event.properties, condition.property),
                condition.expected
            ),
            condition.operator = 'not',
            NOT arrayExists(
                text -> JSONExtractRaw(text) = JSONExtractRaw(event.properties, condition.property),
                condition.expected
            ),
            JSONType(event.properties, condition.property) NOT IN ('Int64', 'UInt64', 'Double'),
            false,
            condition.operator = 'gt',
            JSONExtractFloat(event.properties, condition.property) > toFloat64(condition.expected[1]),
            condition.operator = 'gte',
            JSONExtractFloat(event.properties, condition.property) >= toFloat64(condition.expected[1]),
            condition.operator = 'lt',
            JSONExtractFloat(event.properties, condition.property) < toFloat64(condition.expected[1]),
            condition.operator = 'lte',
            JSONExtractFloat(event.properties, condition.property) <= toFloat64(condition.expected[1]),
            false
        ),
        rule.conditions
    );
