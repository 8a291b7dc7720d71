-- experiment_units: one row a unit that counts in an experiment, as of the end of a day.
-- Parameters: experiment, as_of. Columns: unit, variant, exposed_at, person_id, known and ids as in
-- `experiment_exposures`; signals (role, position and time of each of its `experiment_signals`); met_at
-- (when it first met the trigger's condition); counted_from, after which outcomes count: the first
-- exposure, or where the experiment has a trigger the first meeting of its condition since the
-- experiment began, if that is later. Units of a triggered experiment that did not meet it are left
-- out, in all variants alike. contaminated: saw two variants.
-- Duplicates and late events: as in `experiment_exposures`.
CREATE OR REPLACE VIEW experiment_units AS
WITH
    triggers AS
    (
        SELECT count()
        FROM experiment_events
        WHERE experiment = {experiment:String} AND role = 'trigger'
    ),
    noted AS
    (
        SELECT
            id,
            groupArray((role, position, event_time)) AS signals,
            minIf(event_time, role = 'trigger') AS met_at
        FROM experiment_signals(experiment = {experiment:String}, as_of = {as_of:Date})
        GROUP BY id
    )
SELECT
    unit,
    any(exposures.variant) AS variant,
    any(exposures.exposed_at) AS exposed_at,
    any(exposures.person_id) AS person_id,
    any(exposures.known) AS known,
    any(exposures.ids) AS ids,
    groupArrayArray(noted.signals) AS signals,
    minIf(noted.met_at, noted.met_at > toDateTime64(0, 6)) AS met_at,
    greatest(exposed_at, met_at) AS counted_from,
    any(exposures.variants) > 1 AS contaminated
FROM
(
    SELECT
        *,
        id
    FROM experiment_exposures(experiment = {experiment:String}, as_of = {as_of:Date})
    ARRAY JOIN ids AS id
) AS exposures
LEFT JOIN noted ON exposures.id = noted.id
GROUP BY unit
HAVING (SELECT * FROM triggers) = 0 OR met_at > toDateTime64(0, 6);
