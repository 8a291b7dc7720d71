-- ticket_rate: one row a funnel, product, track, intake, week (Monday to Sunday) and phase: tickets per
-- active user, during onboarding and after it.
-- Inputs: `onboarding_starts`; the measures activity and ticket and the stage of the role completion.
-- Period basis: tickets opened in the week / people active in the week, both on days of that phase.
-- Onboarding lasts from the day of the start through the day of its completion, or on where it is not
-- completed; what came before the start counts in neither phase. Version in force on the first day.
-- Duplicates and late events: as in `stage_entries`.
CREATE OR REPLACE VIEW ticket_rate
(
    funnel                    String COMMENT 'the funnel',
    funnel_version            UInt32 COMMENT 'its version in force on the first day of the row',
    product                   String COMMENT 'the product of the funnel',
    track                     String COMMENT 'the track, empty where nobody told',
    cohort                    String COMMENT 'the intake, empty where nobody told',
    week                      Date COMMENT 'the Monday',
    phase                     String COMMENT 'onboarding or after',
    active_period             UInt64 COMMENT 'people active in the week, in that phase',
    tickets_period            UInt64 COMMENT 'tickets opened in the week, in that phase',
    tickets_per_active_period Nullable(Float64) COMMENT 'tickets / active people'
)
AS
WITH
    (day, completed_at) -> if(day <= ifNull(toDate(completed_at, '${timezone}'), day), 'onboarding', 'after') AS phase_of
SELECT
    funnel,
    funnel_version,
    product,
    track,
    cohort,
    fact.1 AS week,
    fact.2 AS phase,
    countIf(fact.3 = 'active') AS active_period,
    countIf(fact.3 = 'ticket') AS tickets_period,
    tickets_period / nullIf(active_period, 0) AS tickets_per_active_period
FROM onboarding_starts
ARRAY JOIN arrayConcat(
    arrayDistinct(
        arrayMap(day -> (toStartOfWeek(day, 1), phase_of(day, completed_at), 'active'), active_days)
    ),
    arrayMap(day -> (toStartOfWeek(day, 1), phase_of(day, completed_at), 'ticket'), ticket_days)
) AS fact
WHERE week BETWEEN valid_from AND valid_until
GROUP BY
    funnel,
    funnel_version,
    product,
    track,
    cohort,
    week,
    phase;
