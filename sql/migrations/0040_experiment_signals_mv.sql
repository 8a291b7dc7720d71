-- experiment_signals_mv: each row inserted into events_raw, beside every rule of an experiment that
-- looks for it. The one place where these rules meet events: a new build runs this same SELECT, as
-- the engine keeps it, over all of events_raw. Bots are looked for nowhere. Conditions are those of
-- funnels.
CREATE MATERIALIZED VIEW IF NOT EXISTS experiment_signals_mv TO experiment_signals_raw AS
SELECT
    rule.build AS build,
    rule.role AS role,
    rule.position AS position,
    arrayMap(
        name -> reinterpretAsUInt128(sipHash128(name.1, name.2)),
        arrayFilter(
            name -> name.2 != '',
            [
                ('session', if(rule.by_session, event.session_id, '')),
                ('device', event.anonymous_id),
                ('user', event.user_id)
            ]
        )
    ) AS names,
    if(rule.role IN ('server', 'metric'), event.source, '') AS source,
    if(rule.role IN ('server', 'metric'), event.event_id, toUUID('00000000-0000-0000-0000-000000000000')) AS event_id,
    event.event_time AS event_time
FROM
(
    SELECT
        source,
        event_id,
        event_time,
        event_name,
        session_id,
        anonymous_id,
        user_id,
        properties
    FROM events_raw
    WHERE NOT is_bot AND event_name IN (SELECT event_name FROM signal_rules)
) AS event
INNER JOIN signal_rules AS rule ON event.event_name = rule.event_name
WHERE event.event_time >= rule.since
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
