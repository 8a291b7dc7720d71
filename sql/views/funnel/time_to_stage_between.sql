-- time_to_stage_between: one row a stage and later stage as in `time_to_stage`, of those who entered the
-- earlier one on some days, by the version of the funnel in force on the first of them. Columns: as
-- there, and share_within_cohort, of those who reached the later stage within so many days of 24 hours.
-- Parameters: first_day and last_day (report timezone, both included), days.
-- Duplicates and late events: as in `stage_entries`.
CREATE OR REPLACE VIEW time_to_stage_between AS
SELECT * EXCEPT in_force
FROM time_to_stage_versions_between(
    first_day = {first_day:Date},
    last_day = {last_day:Date},
    days = {days:UInt16}
)
WHERE in_force;
