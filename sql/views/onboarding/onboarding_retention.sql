-- onboarding_retention: one row a funnel, product, track, intake, unit (day, week, month), first day of
-- the unit in which people started, and number of units since: how many of them are still active.
-- Inputs: `onboarding_starts`; start is the stage of this role, activity the measure of the plan.
-- Cohort basis, in calendar units of the report timezone (weeks Monday to Sunday): unit 0 is the one of
-- the start. Return retention: active in that very unit; rolling retention: in it or any later one.
-- Days are followed up to 30, weeks and months up to 12; units that have not begun have no row.
-- Version in force on the first day.
-- Duplicates and late events: as in `stage_entries`; a late activity changes the units up to its own.
CREATE OR REPLACE VIEW onboarding_retention
(
    funnel                   String COMMENT 'the funnel',
    funnel_version           UInt32 COMMENT 'its version in force on the first day of the row',
    product                  String COMMENT 'the product of the funnel',
    track                    String COMMENT 'the track, empty where nobody told',
    cohort                   String COMMENT 'the intake, empty where nobody told',
    unit                     String COMMENT 'day, week or month',
    first_day                Date COMMENT 'first day of the unit in which they started',
    units_since              UInt8 COMMENT 'how many units later',
    people_cohort            UInt64 COMMENT 'who started',
    returned_cohort          UInt64 COMMENT 'who of them was active in that unit',
    return_retention_cohort  Float64 COMMENT 'returned / people',
    remained_cohort          UInt64 COMMENT 'who of them was active in that unit or later',
    rolling_retention_cohort Float64 COMMENT 'remained / people',
    complete                 Bool COMMENT 'whether that unit is over'
)
AS
WITH
    (unit, day) -> multiIf(
        unit = 'week', toStartOfWeek(day, 1),
        unit = 'month', toStartOfMonth(day),
        day
    ) AS first_day_of,
    (unit, start, day) -> multiIf(
        unit = 'week', dateDiff('week', start, day),
        unit = 'month', dateDiff('month', start, day),
        dateDiff('day', start, day)
    ) AS units_between,
    (unit, start, units) -> multiIf(
        unit = 'week', start + 7 * units,
        unit = 'month', addMonths(start, units),
        start + units
    ) AS first_day_after,
    starts AS
    (
        SELECT
            *,
            unit,
            first_day_of(unit, started_on) AS first_day,
            arrayMap(day -> units_between(unit, first_day, first_day_of(unit, day)), active_days) AS active_units,
            range(if(unit = 'day', 31, 13)) AS followed
        FROM onboarding_starts
        ARRAY JOIN ['day', 'week', 'month'] AS unit
        WHERE first_day BETWEEN valid_from AND valid_until
    ),
    counted AS
    (
        SELECT
            funnel,
            funnel_version,
            product,
            track,
            cohort,
            unit,
            first_day,
            count() AS people,
            sumForEach(arrayMap(nth -> has(active_units, nth), followed)) AS returned,
            sumForEach(arrayMap(nth -> nth <= arrayMax(active_units) AND notEmpty(active_units), followed)) AS remained
        FROM starts
        GROUP BY ALL
    )
SELECT
    funnel,
    funnel_version,
    product,
    track,
    cohort,
    unit,
    first_day,
    nth - 1 AS units_since,
    people AS people_cohort,
    returned_cohort,
    returned_cohort / people AS return_retention_cohort,
    remained_cohort,
    remained_cohort / people AS rolling_retention_cohort,
    first_day_after(unit, first_day, nth) <= toDate(now(), '${timezone}') AS complete
FROM counted
ARRAY JOIN
    returned AS returned_cohort,
    remained AS remained_cohort,
    arrayEnumerate(returned) AS nth
WHERE first_day_after(unit, first_day, nth - 1) <= toDate(now(), '${timezone}');
