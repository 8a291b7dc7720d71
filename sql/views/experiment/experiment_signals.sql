-- experiment_signals: one row an event that an experiment looks for in its units, until the end of a
-- day: from 28 days before the experiment for metrics, from its begin for all others. Triggers, steps
-- and the browsers' events of pairs, of which no more is asked than whether they came, have one row
-- for all under the same ids, the first.
-- Parameters: experiment, as_of. Columns: id (of an exposed device, session or user, one of `ids` in
-- `experiment_exposures`), role and position (of `experiment_events`), event_time.
-- An event is its device's if an exposure named that, else its user's; in an experiment on sessions
-- its session's before both. Conditions are those of funnels.
-- Duplicates: copies of one event are one row, at the earliest time that a copy tells. Bots count
-- nowhere.
CREATE OR REPLACE VIEW experiment_signals AS
WITH
    plan AS
    (
        SELECT *
        FROM experiments
        WHERE experiment = {experiment:String}
    ),
    shown AS
    (
        SELECT reinterpretAsUInt128(arrayJoin([
            if(
                (SELECT unit FROM plan) = 'session',
                sipHash128('session', session_id),
                sipHash128('device', device)
            ),
            sipHash128('user', person_id)
        ])) AS id
        FROM experiment_exposures_raw FINAL
        WHERE experiment = {experiment:String}
            AND variant IN (SELECT arrayJoin(variants) FROM plan)
            AND event_time >= toDateTime64((SELECT starts_on FROM plan), 6, '${timezone}')
            AND event_time < toDateTime64(
                least((SELECT ends_on FROM plan), {as_of:Date}) + 1,
                6,
                '${timezone}'
            )
        UNION ALL
        SELECT reinterpretAsUInt128(sipHash128('user', user_id))
        FROM aliased_users FINAL
    )
SELECT
    min(known) AS id,
    role,
    position,
    min(signals.event_time) AS event_time
FROM
(
    SELECT
        arrayFirst(name -> name IN (SELECT id FROM shown), names) AS known,
        role,
        position,
        source,
        event_id,
        event_time
    FROM experiment_signals_raw
    WHERE build = (SELECT build FROM plan)
        AND event_time < toDateTime64({as_of:Date} + 1, 6, '${timezone}')
        AND known != 0
) AS signals
GROUP BY
    role,
    position,
    source,
    event_id,
    if(source = '', known, 0);
