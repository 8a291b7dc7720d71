-- experiment_exposures: one row a unit that an experiment showed a variant, as of the end of a day.
-- Parameters: experiment, as_of. Columns: unit, variant (of the first exposure), variants (how many
-- it saw), exposed_at (the first), person_id and known (as in `sessions`, of the first exposure),
-- names (kind and id under which events of the unit come: the devices of its exposures, in an
-- experiment on sessions the session itself instead, and the users that its person is).
-- A unit is the device (anonymous id as sent, whoever logs in later), the person, or the session (as
-- sent); events without that id show nobody anything. Exposures count from the first day of the
-- experiment through its last; variants that the plan has not do not count, nor do bots.
-- Duplicates: copies of an event count as its first copy. Late events and logins move a unit to
-- where it belongs.
CREATE OR REPLACE VIEW experiment_exposures AS
WITH
    plan AS
    (
        SELECT *
        FROM experiments
        WHERE experiment = {experiment:String}
    ),
    seen AS
    (
        SELECT *
        FROM experiment_exposures_raw FINAL
        WHERE experiment = {experiment:String}
            AND NOT is_bot
            AND variant IN (SELECT arrayJoin(variants) FROM plan)
            AND event_time >= toDateTime64((SELECT starts_on FROM plan), 6, '${timezone}')
            AND event_time < toDateTime64(
                least((SELECT ends_on FROM plan), {as_of:Date}) + 1,
                6,
                '${timezone}'
            )
            AND (source, event_id, arrival) NOT IN (
                SELECT
                    source,
                    event_id,
                    arrival
                FROM duplicate_arrivals
                WHERE (source, event_id) IN (
                    SELECT
                        source,
                        event_id
                    FROM experiment_exposures_raw
                    WHERE experiment = {experiment:String}
                )
            )
    ),
    aliased AS
    (
        SELECT
            user_id,
            person_id
        FROM aliased_users FINAL
    ),
    logins AS
    (
        SELECT
            anonymous_id,
            arraySort(
                groupArray((
                    event_time,
                    arrival,
                    if(aliased.person_id != '', aliased.person_id, device_logins.user_id)
                ))
            ) AS turns
        FROM device_logins FINAL
        LEFT JOIN aliased ON device_logins.user_id = aliased.user_id
        WHERE anonymous_id IN (
                SELECT anonymous_id
                FROM experiment_exposures_raw
                WHERE experiment = {experiment:String} AND user_id = ''
            )
            AND (source, event_id, arrival) NOT IN (
                SELECT
                    source,
                    event_id,
                    arrival
                FROM duplicate_arrivals
            )
        GROUP BY anonymous_id
    ),
    owned AS
    (
        SELECT
            seen.event_time AS event_time,
            seen.arrival AS arrival,
            variant,
            seen.anonymous_id AS anonymous_id,
            session_id,
            seen.user_id != '' OR notEmpty(turns) AS known,
            multiIf(
                aliased.person_id != '', aliased.person_id,
                seen.user_id != '', seen.user_id,
                empty(turns), seen.anonymous_id,
                turns[-1].1 < seen.event_time, turns[-1].3,
                arrayFirst(turn -> turn.1 >= seen.event_time, turns).3
            ) AS person_id,
            multiIf(
                (SELECT unit FROM plan) = 'device', seen.anonymous_id,
                (SELECT unit FROM plan) = 'session', session_id,
                person_id
            ) AS unit
        FROM seen
        LEFT JOIN logins ON if(user_id = '', seen.anonymous_id, '') = logins.anonymous_id
        LEFT JOIN aliased ON seen.user_id = aliased.user_id
    ),
    grouped AS
    (
        SELECT
            unit,
            argMin(variant, (event_time, arrival)) AS variant,
            uniqExact(owned.variant) AS variants,
            min(event_time) AS exposed_at,
            argMin(person_id, (event_time, arrival)) AS person_id,
            argMin(known, (event_time, arrival)) AS known,
            groupUniqArrayIf(anonymous_id, anonymous_id != '') AS devices
        FROM owned
        WHERE unit != ''
        GROUP BY unit
    ),
    same AS
    (
        SELECT
            person_id,
            groupArray(user_id) AS user_ids
        FROM aliased
        GROUP BY person_id
    )
SELECT
    unit,
    variant,
    variants,
    exposed_at,
    grouped.person_id AS person_id,
    known,
    arrayConcat(
        if(
            (SELECT unit FROM plan) = 'session',
            [('session', unit)],
            arrayMap(device -> ('device', device), devices)
        ),
        arrayMap(
            user -> ('user', user),
            if(known, arrayDistinct(arrayPushBack(user_ids, grouped.person_id)), [])
        )
    ) AS names
FROM grouped
LEFT JOIN same ON grouped.person_id = same.person_id;
