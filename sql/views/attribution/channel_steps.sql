-- channel_steps: one row a step from a channel to the next on the journeys of a period: how many
-- journeys took it.
-- Parameters: funnel, stage, first_day, last_day, lookback_days. Columns: channel, next, journeys.
-- A journey begins at `(start)`. That of a conversion goes over the sessions within the lookback
-- before it, as in `conversion_touchpoints`, and ends at `(conversion)`; conversions without any are
-- left out. Who did not convert in the period has one journey over their sessions in it, bots left
-- out, that ends at `(none)`. A step back to the same channel is a step.
-- Duplicates and late events: as in `conversion_touchpoints` and `sessions`.
CREATE OR REPLACE VIEW channel_steps AS
WITH
    touches AS
    (
        SELECT
            person_id,
            known,
            source,
            event_id,
            position,
            session_id,
            toString(channel) AS channel
        FROM conversion_touchpoints(
            funnel = {funnel:String},
            stage = {stage:String},
            first_day = {first_day:Date},
            last_day = {last_day:Date},
            lookback_days = {lookback_days:UInt16},
            half_life_days = 1
        )
        WHERE model = 'linear'
    ),
    won AS
    (
        SELECT arraySort(groupArray((position, channel))).2 AS channels
        FROM touches
        WHERE session_id != ''
        GROUP BY
            person_id,
            known,
            source,
            event_id
    ),
    lost AS
    (
        SELECT arraySort(groupArray((started_at, session_id, toString(sessions.channel)))).3 AS channels
        FROM sessions
        WHERE NOT is_bot
            AND started_at >= toDateTime64({first_day:Date}, 6, '${timezone}')
            AND started_at < toDateTime64({last_day:Date} + 1, 6, '${timezone}')
            AND (person_id, known) NOT IN (SELECT person_id, known FROM touches)
        GROUP BY
            person_id,
            known
    ),
    journeys AS
    (
        SELECT
            arrayPushFront(channels, '(start)') AS here,
            arrayPushBack(channels, '(conversion)') AS following
        FROM won
        UNION ALL
        SELECT
            arrayPushFront(channels, '(start)'),
            arrayPushBack(channels, '(none)')
        FROM lost
    )
SELECT
    step.1 AS channel,
    step.2 AS next,
    count() AS journeys
FROM journeys
ARRAY JOIN arrayZip(here, following) AS step
GROUP BY
    channel,
    next;
