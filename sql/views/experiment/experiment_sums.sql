-- experiment_sums: one row a metric and variant of an experiment, as of the end of a day: all that
-- its statistics need.
-- Parameters: experiment, as_of. Columns: metric (its position), variant, units, and sums over units
-- of amount, sessions and earlier (as in `experiment_outcomes`), of their squares and products.
-- Duplicates and late events: as in `experiment_outcomes`.
CREATE OR REPLACE VIEW experiment_sums AS
SELECT
    metric,
    variant,
    count() AS units,
    sum(amount) AS amounts,
    sum(amount * amount) AS amounts_squared,
    sum(sessions) AS all_sessions,
    sum(sessions * sessions) AS sessions_squared,
    sum(amount * sessions) AS amounts_sessions,
    sum(earlier) AS earliers,
    sum(earlier * earlier) AS earliers_squared,
    sum(amount * earlier) AS amounts_earlier
FROM experiment_outcomes(experiment = {experiment:String}, as_of = {as_of:Date})
GROUP BY
    metric,
    variant;
