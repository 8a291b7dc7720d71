-- onboarding_time_to_value: one row a funnel, product, track, intake and week (Monday to Sunday) in which
-- people started: how long they took from the start to the first core value.
-- Inputs: `onboarding_starts`; start and value are the stages of these roles in the plan.
-- Cohort basis: of the people who started in the week, whenever they got there; who had the value before
-- the start took 0 days. Days are of 24 hours; percentiles are of those who reached it, interpolated as
-- spreadsheets do. Version in force on the week's first day.
-- Duplicates and late events: as in `stage_entries`.
CREATE OR REPLACE VIEW onboarding_time_to_value
(
    funnel             String COMMENT 'the funnel',
    funnel_version     UInt32 COMMENT 'its version in force on the first day of the row',
    product            String COMMENT 'the product of the funnel',
    track              String COMMENT 'the track, empty where nobody told',
    cohort             String COMMENT 'the intake, empty where nobody told',
    week               Date COMMENT 'the Monday of the week in which they started',
    people_cohort      UInt64 COMMENT 'who started',
    reached_cohort     UInt64 COMMENT 'who of them reached the value',
    share_cohort       Float64 COMMENT 'reached / people',
    days_mean_cohort   Nullable(Float64) COMMENT 'days that they took, mean',
    days_p25_cohort    Nullable(Float64) COMMENT 'the same, a quarter',
    days_median_cohort Nullable(Float64) COMMENT 'the same, half',
    days_p75_cohort    Nullable(Float64) COMMENT 'the same, three quarters',
    days_p90_cohort    Nullable(Float64) COMMENT 'the same, nine of ten'
)
AS
WITH dateDiff('microsecond', started_at, value_at) / 86400000000 AS taken_days
SELECT
    funnel,
    funnel_version,
    product,
    track,
    cohort,
    start_week AS week,
    count() AS people_cohort,
    count(value_at) AS reached_cohort,
    reached_cohort / people_cohort AS share_cohort,
    avg(taken_days) AS days_mean_cohort,
    quantileExactInclusiveOrNull(0.25)(taken_days) AS days_p25_cohort,
    quantileExactInclusiveOrNull(0.5)(taken_days) AS days_median_cohort,
    quantileExactInclusiveOrNull(0.75)(taken_days) AS days_p75_cohort,
    quantileExactInclusiveOrNull(0.9)(taken_days) AS days_p90_cohort
FROM onboarding_starts
WHERE start_week BETWEEN valid_from AND valid_until
GROUP BY
    funnel,
    funnel_version,
    product,
    track,
    cohort,
    start_week;
