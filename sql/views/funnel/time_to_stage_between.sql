-- time_to_stage_between(first_day, last_day, days): `time_to_stage` of those who entered the earlier
-- stage on the days from first_day to last_day (report timezone, both included), by the version of the
-- funnel in force on first_day.
-- Columns: those of `time_to_stage`, and share_within_cohort: of people, who reached the later stage
-- within so many days of 24 hours.
-- Duplicates and late events: as in `stage_entries`.
CREATE OR REPLACE VIEW time_to_stage_between AS
SELECT * EXCEPT in_force
FROM time_to_stage_versions_between(
    first_day = {first_day:Date},
    last_day = {last_day:Date},
    days = {days:UInt16}
)
WHERE in_force;
