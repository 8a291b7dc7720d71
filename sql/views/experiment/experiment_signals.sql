-- experiment_signals: one row an event of an exposed unit that its experiment looks for, until the
-- end of a day: from 28 days before the experiment for metrics, from its begin for all others. Of
-- triggers, steps and the browsers' events of pairs one unit has its first under each of its ids.
-- Parameters: experiment, as_of. Columns: unit, role and position (of `experiment_events`),
-- event_time.
-- An event is the unit's whose exposure named its device, else the unit's of its user; in an
-- experiment on sessions the session's, where it names one. Conditions are those of funnels.
-- Duplicates: copies of one event are one row, at the earliest time that a copy tells. Bots count
-- nowhere.
CREATE OR REPLACE VIEW experiment_signals AS
WITH
    ids AS
    (
        SELECT
            reinterpretAsUInt128(sipHash128(name.1, name.2)) AS id,
            groupUniqArray(unit) AS units
        FROM experiment_exposures(experiment = {experiment:String}, as_of = {as_of:Date})
        ARRAY JOIN names AS name
        GROUP BY id
    ),
    given AS
    (
        SELECT
            role,
            position,
            min(happened.event_time) AS event_time,
            argMin(units, rank) AS units
        FROM
        (
            SELECT
                role,
                position,
                if(source = '', names, []) AS same,
                source,
                event_id,
                event_time,
                id,
                rank
            FROM experiment_signals_raw
            ARRAY JOIN
                names AS id,
                arrayEnumerate(names) AS rank
            WHERE build = (SELECT build FROM experiments WHERE experiment = {experiment:String})
                AND event_time < toDateTime64({as_of:Date} + 1, 6, '${timezone}')
        ) AS happened
        INNER JOIN ids ON happened.id = ids.id
        GROUP BY
            role,
            position,
            same,
            source,
            event_id
    )
SELECT
    arrayJoin(units) AS unit,
    role,
    position,
    event_time
FROM given;
