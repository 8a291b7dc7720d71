-- experiment_units: one row a unit that counts in an experiment, as of the end of a day.
-- Parameters: experiment, as_of. Columns: those of `experiment_exposures`; signals (role, position
-- and time of each of its `experiment_signals`); counted_from, after which outcomes count: the first
-- exposure, or where the experiment has a trigger the first meeting of its condition since the
-- experiment began, if that is later. Units of a triggered experiment that did not meet it are left
-- out, in all variants alike. contaminated: saw two variants.
-- Duplicates and late events: as in `experiment_exposures`.
CREATE OR REPLACE VIEW experiment_units AS
WITH
    begin AS
    (
        SELECT toDateTime64(starts_on, 6, '${timezone}')
        FROM experiments
        WHERE experiment = {experiment:String}
    ),
    triggers AS
    (
        SELECT count()
        FROM experiment_events
        WHERE experiment = {experiment:String} AND role = 'trigger'
    ),
    noted AS
    (
        SELECT
            unit,
            groupArray((role, position, event_time)) AS signals,
            minIf(event_time, role = 'trigger' AND event_time >= (SELECT * FROM begin)) AS met_at
        FROM experiment_signals(experiment = {experiment:String}, as_of = {as_of:Date})
        GROUP BY unit
    )
SELECT
    exposures.*,
    signals,
    greatest(exposed_at, met_at) AS counted_from,
    variants > 1 AS contaminated
FROM experiment_exposures(experiment = {experiment:String}, as_of = {as_of:Date}) AS exposures
LEFT JOIN noted ON exposures.unit = noted.unit
WHERE (SELECT * FROM triggers) = 0 OR met_at > toDateTime64(0, 6);
