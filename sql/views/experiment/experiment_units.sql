-- experiment_units: one row a unit that counts in an experiment, as of the end of a day.
-- Parameters: experiment, as_of. Columns: those of `experiment_exposures`, and counted_from, after
-- which outcomes count: the first exposure, or where the experiment has a trigger the first meeting
-- of its condition since the experiment began, if that is later. Units of a triggered experiment
-- that did not meet it are left out, in all variants alike. contaminated: saw two variants.
-- Duplicates and late events: as in `experiment_exposures`.
CREATE OR REPLACE VIEW experiment_units AS
WITH
    met AS
    (
        SELECT
            unit,
            min(event_time) AS met_at
        FROM experiment_signals(experiment = {experiment:String}, as_of = {as_of:Date})
        WHERE role = 'trigger'
            AND event_time >= toDateTime64(
                (SELECT starts_on FROM experiments WHERE experiment = {experiment:String}),
                6,
                '${timezone}'
            )
        GROUP BY unit
    ),
    triggers AS
    (
        SELECT count()
        FROM experiment_events
        WHERE experiment = {experiment:String} AND role = 'trigger'
    )
SELECT
    exposures.*,
    greatest(exposed_at, met_at) AS counted_from,
    variants > 1 AS contaminated
FROM experiment_exposures(experiment = {experiment:String}, as_of = {as_of:Date}) AS exposures
LEFT JOIN met ON exposures.unit = met.unit
WHERE (SELECT * FROM triggers) = 0 OR met_at > toDateTime64(0, 6);
