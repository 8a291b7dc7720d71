-- onboarding_activation: one row a funnel, product, track, intake and week (Monday to Sunday) in which
-- people started: how many reached the activation point in their first days.
-- Inputs: `onboarding_starts`; start and activation are the stages of these roles in the plan, which also
-- says within how many days of 24 hours.
-- Cohort basis: of the people who started in the week; who was activated before the start counts.
-- Version in force on the week's first day.
-- Duplicates and late events: as in `stage_entries`.
CREATE OR REPLACE VIEW onboarding_activation
(
    funnel                 String COMMENT 'the funnel',
    funnel_version         UInt32 COMMENT 'its version in force on the first day of the row',
    product                String COMMENT 'the product of the funnel',
    track                  String COMMENT 'the track, empty where nobody told',
    cohort                 String COMMENT 'the intake, empty where nobody told',
    week                   Date COMMENT 'the Monday of the week in which they started',
    within_days            UInt16 COMMENT 'how soon activation counts, 0 without limit',
    people_cohort          UInt64 COMMENT 'who started',
    activated_cohort       UInt64 COMMENT 'who of them was activated in time',
    activation_rate_cohort Float64 COMMENT 'activated / people',
    complete               Bool COMMENT 'whether these days are over for all of them'
)
AS
SELECT
    funnel,
    funnel_version,
    product,
    track,
    cohort,
    start_week AS week,
    within_days,
    count() AS people_cohort,
    countIf(
        activated_at <= started_at + toIntervalDay(within_days)
        OR within_days = 0 AND activated_at IS NOT NULL
    ) AS activated_cohort,
    activated_cohort / people_cohort AS activation_rate_cohort,
    within_days > 0 AND week + 7 + within_days <= toDate(now(), '${timezone}') AS complete
FROM onboarding_starts
WHERE start_week BETWEEN valid_from AND valid_until
GROUP BY
    funnel,
    funnel_version,
    product,
    track,
    cohort,
    start_week,
    within_days;
