-- time_to_stage: one row a funnel, product, track, intake, stage and later stage: how long people took
-- from the one to the other, over all time, by the version of the funnel in force today (every version:
-- `time_to_stage_versions`). Those who entered in a period, and other numbers of days:
-- time_to_stage_between(first_day = '2024-07-01', last_day = '2024-07-31', days = 5).
-- Inputs: `stage_entries`, `stages`, `funnels`.
-- Cohort basis: of the people who entered the earlier stage, whenever they reached the later one. The
-- time runs from their first entry into the earlier stage, in a track and intake, to the first entry
-- into the later one, at that moment or after it, that goes together with it; a day is 24 hours.
-- Percentiles are of those who reached it, interpolated as spreadsheets do. Shares are of all who
-- entered, those among them who entered less than so many days ago: where that matters, ask for an
-- older period.
-- Duplicates and late events: as in `stage_entries`.
CREATE OR REPLACE VIEW time_to_stage
(
    funnel                        String COMMENT 'the funnel',
    funnel_version                UInt32 COMMENT 'its version in force today',
    product                       String COMMENT 'the product of the funnel',
    track                         String COMMENT 'track of the entry, empty where nobody told',
    cohort                        String COMMENT 'intake of the entry, empty where nobody told',
    from_position                 UInt16 COMMENT 'place of the earlier stage in the funnel',
    from_stage                    String COMMENT 'the earlier stage',
    stage_position                UInt16 COMMENT 'place of the later stage',
    stage                         String COMMENT 'the later stage',
    people                        UInt64 COMMENT 'who entered the earlier stage',
    reached                       UInt64 COMMENT 'who of them entered the later stage afterwards',
    share_cohort                  Float64 COMMENT 'reached / people',
    days_p25                      Nullable(Float64) COMMENT 'days that those who reached it took, a quarter',
    days_median                   Nullable(Float64) COMMENT 'the same, half',
    days_p75                      Nullable(Float64) COMMENT 'the same, three quarters',
    days_p90                      Nullable(Float64) COMMENT 'the same, nine of ten',
    share_within_1_day_cohort     Float64 COMMENT 'of people, who reached it within 24 hours',
    share_within_3_days_cohort    Float64 COMMENT 'the same within 3 days of 24 hours',
    share_within_7_days_cohort    Float64 COMMENT 'the same within 7 days',
    share_within_14_days_cohort   Float64 COMMENT 'the same within 14 days',
    share_within_30_days_cohort   Float64 COMMENT 'the same within 30 days'
)
AS
SELECT * EXCEPT in_force
FROM time_to_stage_versions
WHERE in_force;
