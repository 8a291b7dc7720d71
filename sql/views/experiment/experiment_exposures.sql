-- experiment_exposures: one row a unit that an experiment showed a variant, as of the end of a day.
-- Parameters: experiment, as_of. Columns: unit, variant (of the first exposure), variants (how many
-- it saw), exposed_at (the first), person_id and known (as in `sessions`, of the first exposure),
-- devices (of its exposures), names (kind and id under which events of the unit come: its devices,
-- in an experiment on sessions the session itself instead, and the users that its person is), ids
-- (the names as 128 bits of SipHash of kind and id).
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
    grouped AS
    (
        SELECT
            multiIf(
                (SELECT plan.unit FROM plan) = 'device', device,
                (SELECT plan.unit FROM plan) = 'session', session_id,
                person_id
            ) AS unit,
            argMin((variant, person_id, known), (event_time, arrival)) AS first,
            uniqExact(variant) AS variants,
            min(event_time) AS exposed_at,
            groupUniqArrayIf(device, device != '' AND (SELECT plan.unit FROM plan) != 'device') AS other_devices
        FROM experiment_exposures_raw FINAL
        WHERE experiment = {experiment:String}
            AND variant IN (SELECT arrayJoin(plan.variants) FROM plan)
            AND event_time >= toDateTime64((SELECT starts_on FROM plan), 6, '${timezone}')
            AND event_time < toDateTime64(
                least((SELECT ends_on FROM plan), {as_of:Date}) + 1,
                6,
                '${timezone}'
            )
            AND unit != ''
        GROUP BY unit
    ),
    same AS
    (
        SELECT
            person_id,
            groupArray(user_id) AS user_ids
        FROM aliased_users FINAL
        GROUP BY person_id
    )
SELECT
    unit,
    first.1 AS variant,
    variants,
    exposed_at,
    first.2 AS person_id,
    first.3 AS known,
    if((SELECT plan.unit FROM plan) = 'device', [unit], other_devices) AS devices,
    arrayConcat(
        if(
            (SELECT plan.unit FROM plan) = 'session',
            [('session', unit)],
            arrayMap(device -> ('device', device), devices)
        ),
        arrayMap(
            user -> ('user', user),
            if(known, arrayDistinct(arrayPushBack(user_ids, first.2)), [])
        )
    ) AS names,
    arrayMap(name -> reinterpretAsUInt128(sipHash128(name.1, name.2)), names) AS ids
FROM grouped
LEFT JOIN same ON first.2 = same.person_id;
