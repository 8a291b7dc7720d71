-- experiment_ids: one row an id under which events of exposed units come, as of the end of a day.
-- Parameters: experiment, as_of. Columns: kind (device, user or session), id, units.
-- A unit has the devices of its exposures (in an experiment on sessions the session itself instead)
-- and the users that its person is.
-- Duplicates and late events: as in `experiment_exposures`.
CREATE OR REPLACE VIEW experiment_ids AS
WITH
    exposed AS
    (
        SELECT *
        FROM experiment_exposures(experiment = {experiment:String}, as_of = {as_of:Date})
    ),
    by_session AS
    (
        SELECT unit = 'session'
        FROM experiments
        WHERE experiment = {experiment:String}
    ),
    users AS
    (
        SELECT
            user_id,
            person_id
        FROM aliased_users FINAL
        UNION DISTINCT
        SELECT
            person_id,
            person_id
        FROM exposed
        WHERE known
    )
SELECT
    if((SELECT * FROM by_session), 'session', 'device') AS kind,
    arrayJoin(if((SELECT * FROM by_session), [unit], devices)) AS id,
    groupUniqArray(unit) AS units
FROM exposed
GROUP BY id
UNION ALL
SELECT
    'user',
    users.user_id AS id,
    groupUniqArray(unit)
FROM exposed
INNER JOIN users ON exposed.person_id = users.person_id
WHERE known
GROUP BY id;
