-- feature_adoption: one row a funnel, product, track, intake, week (Monday to Sunday) and feature: how
-- many use it. Features that nobody used on a basis have 0 there; those of neither have no row.
-- Inputs: `onboarding_starts`; the measures activity and feature of the plan.
-- Period basis: of the people active in the week, those who used the feature in it. Cohort basis: of the
-- people who started in the week, those who have used the feature since.
-- Version in force on the week's first day.
-- Duplicates and late events: as in `stage_entries`.
CREATE OR REPLACE VIEW feature_adoption
(
    funnel          String COMMENT 'the funnel',
    funnel_version  UInt32 COMMENT 'its version in force on the first day of the row',
    product         String COMMENT 'the product of the funnel',
    track           String COMMENT 'the track, empty where nobody told',
    cohort          String COMMENT 'the intake, empty where nobody told',
    week            Date COMMENT 'the Monday',
    feature         String COMMENT 'the feature, as the events name it',
    active_period   UInt64 COMMENT 'people active in the week',
    users_period    UInt64 COMMENT 'people who used the feature in the week',
    adoption_period Nullable(Float64) COMMENT 'users / active of the week',
    people_cohort   UInt64 COMMENT 'people who started in the week',
    users_cohort    UInt64 COMMENT 'who of them has used the feature',
    adoption_cohort Nullable(Float64) COMMENT 'users / people who started'
)
AS
WITH
    day -> toStartOfWeek(day, 1) AS week_of,
    facts AS
    (
        SELECT
            funnel,
            funnel_version,
            product,
            track,
            cohort,
            fact.1 AS week,
            fact.2 AS feature,
            countIf(fact.3 = 'active') AS active,
            countIf(fact.3 = 'used') AS users_period,
            countIf(fact.3 = 'started') AS started,
            countIf(fact.3 = 'adopted') AS users_cohort
        FROM onboarding_starts
        ARRAY JOIN arrayConcat(
            [(start_week, '', 'started')],
            arrayMap(name -> (start_week, name, 'adopted'), arrayDistinct(features.2)),
            arrayMap(week -> (week, '', 'active'), arrayDistinct(arrayMap(day -> week_of(day), active_days))),
            arrayDistinct(arrayMap(use -> (week_of(use.1), use.2, 'used'), features))
        ) AS fact
        WHERE week BETWEEN valid_from AND valid_until
        GROUP BY ALL
    ),
    of_all AS
    (
        SELECT
            *,
            sum(active) OVER everybody AS active_period,
            sum(started) OVER everybody AS people_cohort
        FROM facts
        WINDOW everybody AS (PARTITION BY funnel, funnel_version, product, track, cohort, week)
    )
SELECT
    funnel,
    funnel_version,
    product,
    track,
    cohort,
    week,
    feature,
    active_period,
    users_period,
    users_period / nullIf(active_period, 0) AS adoption_period,
    people_cohort,
    users_cohort,
    users_cohort / nullIf(people_cohort, 0) AS adoption_cohort
FROM of_all
WHERE feature != '';
