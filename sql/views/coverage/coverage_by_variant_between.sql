-- coverage_by_variant_between: one row an event that the plan expects in each variant of an
-- experiment, and a variant, of all releases together. Parameters: run ('' for events of no run),
-- since, until (wall clocks of the report timezone). Columns, and behaviour under duplicates and late
-- events: as in `coverage_by_variant_of_release_between`.
CREATE OR REPLACE VIEW coverage_by_variant_between AS
SELECT *
FROM coverage_by_variant_of_release_between(
    run = {run:String},
    release = '',
    since = {since:DateTime64(3, '${timezone}')},
    until = {until:DateTime64(3, '${timezone}')}
);
