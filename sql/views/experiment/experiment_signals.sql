-- experiment_signals: one row an event of an exposed unit that its experiment looks for, from 28 days
-- before the experiment until the end of a day.
-- Parameters: experiment, as_of. Columns: unit, role and position (of `experiment_events`),
-- event_time.
-- An event is the unit's whose exposure named its device, else the unit's of its user; in an
-- experiment on sessions the session's, where it names one. Conditions are those of funnels.
-- Duplicates: copies of one event are one row, at the earliest time that a copy tells. Bots count
-- nowhere.
CREATE OR REPLACE VIEW experiment_signals AS
WITH
    looked_for AS
    (
        SELECT *
        FROM experiment_events
        WHERE experiment = {experiment:String}
    ),
    by_session AS
    (
        SELECT count()
        FROM experiments
        WHERE experiment = {experiment:String} AND unit = 'session'
    ),
    ids AS
    (
        SELECT
            name.1 AS kind,
            name.2 AS id,
            groupUniqArray(unit) AS units
        FROM experiment_exposures(experiment = {experiment:String}, as_of = {as_of:Date})
        ARRAY JOIN names AS name
        GROUP BY
            kind,
            id
    ),
    happened AS
    (
        SELECT
            source,
            event_id,
            event_time,
            role,
            position,
            arrayFilter(
                name -> name.2 != '',
                [
                    ('session', if((SELECT * FROM by_session) > 0, session_id, '')),
                    ('device', anonymous_id),
                    ('user', user_id)
                ]
            ) AS names
        FROM events_raw
        INNER JOIN looked_for ON events_raw.event_name = looked_for.event
        WHERE event_name IN (SELECT event FROM looked_for)
            AND NOT is_bot
            AND event_time >= toDateTime64(
                (SELECT starts_on FROM experiments WHERE experiment = {experiment:String}) - 28,
                6,
                '${timezone}'
            )
            AND event_time < toDateTime64({as_of:Date} + 1, 6, '${timezone}')
            AND arrayAll(
                condition -> multiIf(
                    condition.operator = 'exists',
                    JSONHas(properties, condition.property) = (condition.expected[1] = 'true'),
                    condition.operator IN ('is', 'in'),
                    arrayExists(
                        text -> JSONExtractRaw(text) = JSONExtractRaw(properties, condition.property),
                        condition.expected
                    ),
                    condition.operator = 'not',
                    NOT arrayExists(
                        text -> JSONExtractRaw(text) = JSONExtractRaw(properties, condition.property),
                        condition.expected
                    ),
                    JSONType(properties, condition.property) NOT IN ('Int64', 'UInt64', 'Double'),
                    false,
                    condition.operator = 'gt',
                    JSONExtractFloat(properties, condition.property) > toFloat64(condition.expected[1]),
                    condition.operator = 'gte',
                    JSONExtractFloat(properties, condition.property) >= toFloat64(condition.expected[1]),
                    condition.operator = 'lt',
                    JSONExtractFloat(properties, condition.property) < toFloat64(condition.expected[1]),
                    condition.operator = 'lte',
                    JSONExtractFloat(properties, condition.property) <= toFloat64(condition.expected[1]),
                    false
                ),
                conditions
            )
    ),
    given AS
    (
        SELECT
            source,
            event_id,
            role,
            position,
            min(event_time) AS event_time,
            argMin(units, rank) AS units
        FROM
        (
            SELECT
                * EXCEPT names,
                name.1 AS kind,
                name.2 AS id,
                rank
            FROM happened
            ARRAY JOIN
                names AS name,
                arrayEnumerate(names) AS rank
        ) AS named
        INNER JOIN ids ON named.kind = ids.kind AND named.id = ids.id
        GROUP BY
            source,
            event_id,
            role,
            position
    )
SELECT
    arrayJoin(units) AS unit,
    role,
    position,
    event_time
FROM given;
