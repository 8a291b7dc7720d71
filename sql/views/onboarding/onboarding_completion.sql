-- onboarding_completion: one row a funnel, product, track, intake and week (Monday to Sunday) in which
-- people started: how many completed the onboarding.
-- Inputs: `onboarding_starts`; start and completion are the stages of these roles in the plan.
-- Cohort basis: of the people who started in the week, whenever they completed it. Days are of 24 hours;
-- the median is of those who completed it. Version in force on the week's first day.
-- Duplicates and late events: as in `stage_entries`.
CREATE OR REPLACE VIEW onboarding_completion
(
    funnel                 String COMMENT 'the funnel',
    funnel_version         UInt32 COMMENT 'its version in force on the first day of the row',
    product                String COMMENT 'the product of the funnel',
    track                  String COMMENT 'the track, empty where nobody told',
    cohort                 String COMMENT 'the intake, empty where nobody told',
    week                   Date COMMENT 'the Monday of the week in which they started',
    people_cohort          UInt64 COMMENT 'who started',
    completed_cohort       UInt64 COMMENT 'who of them completed the onboarding',
    completion_rate_cohort Float64 COMMENT 'completed / people',
    days_median_cohort     Nullable(Float64) COMMENT 'days that they took, median'
)
AS
WITH dateDiff('microsecond', started_at, completed_at) / 86400000000 AS taken_days
SELECT
    funnel,
    funnel_version,
    product,
    track,
    cohort,
    start_week AS week,
    count() AS people_cohort,
    count(completed_at) AS completed_cohort,
    completed_cohort / people_cohort AS completion_rate_cohort,
    quantileExactInclusiveOrNull(0.5)(taken_days) AS days_median_cohort
FROM onboarding_starts
WHERE start_week BETWEEN valid_from AND valid_until
GROUP BY
    funnel,
    funnel_version,
    product,
    track,
    cohort,
    start_week;
