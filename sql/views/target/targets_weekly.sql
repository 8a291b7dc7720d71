-- targets_weekly: one row a figure that has a target or a guardrail and a period of it: each week
-- (Monday to Sunday), each month, each intake, or all time for a total.
-- Inputs: `targets` (the one in force on the first day of the period; the intake's without dates and
-- the total's: today) and `target_facts`. Weeks and months go by the version of the funnel in force
-- on their first day, intakes by that of the day on which they open, or else of today.
-- Figures: conversion (entries into `stage` / entries into `from_stage` of the same period, may pass
-- 1), entries, cost and lac (ad spend of the product / entries), withdrawals (from the stage in the
-- period / people who entered it; of people who had asked / people who asked first, as in
-- `withdrawals_weekly`), revenue, roas (revenue / ad spend), ad_spend, inquiries. …_count / …_base is
-- the figure where it is a quotient. A figure is NULL where there is nothing to divide by, where no
-- spend was imported, or where nothing at all is known of the period.
-- Periods are beside the two before them; this week's are of toDate(now(), 'Asia/Seoul') BETWEEN
-- first_day AND last_day, since today() is the server's day.
-- status, change and attainment judge whole periods: this one when it is over, else the last one;
-- an intake and a total are judged as they stand. change is of the judged figure on the one before
-- it (shares: %p), attainment is the part of the target reached (1 and more: met).
-- status: `no data` without a judged figure; `guardrail broken`; `missed`; `at risk`: it holds now,
-- but not if it changes once more as it did, or, of an open intake's counts and sums, if the days to
-- come are as those past; `met`. What can still grow to its target is `at risk`, not missed.
-- Duplicates and late events: as in `stage_entries`; a late event changes the period of its time.
CREATE OR REPLACE VIEW targets_weekly
(
    funnel              String COMMENT 'the funnel whose figure it is',
    product             String COMMENT 'the product of the funnel',
    track               String COMMENT 'empty for all tracks together',
    cohort              String COMMENT 'the intake, where the target or the period is one of an intake',
    metric              String COMMENT 'what is measured',
    from_stage          String COMMENT 'where a conversion starts from',
    stage               String COMMENT 'where a conversion leads to, or what is counted',
    period              String COMMENT 'week, month, intake or total',
    first_day           Nullable(Date) COMMENT 'NULL for a total and an intake without dates',
    last_day            Nullable(Date) COMMENT 'included',
    complete            Bool COMMENT 'whether the period is over',
    target              Nullable(Float64) COMMENT 'what the figure should reach',
    target_direction    String COMMENT 'at_least or at_most',
    guardrail           Nullable(Float64) COMMENT 'what the figure should keep',
    guardrail_direction String COMMENT 'at_least or at_most',
    this_period         Nullable(Float64) COMMENT 'the figure, so far where the period is not over',
    this_count          Nullable(Float64) COMMENT 'what is divided: people or KRW',
    this_base           Nullable(Float64) COMMENT 'by what; NULL where the figure is no quotient',
    last_period         Nullable(Float64) COMMENT 'the figure of the period before',
    last_count          Nullable(Float64),
    last_base           Nullable(Float64),
    period_before       Nullable(Float64) COMMENT 'the figure of two periods before',
    before_count        Nullable(Float64),
    before_base         Nullable(Float64),
    change              Nullable(Float64) COMMENT 'of the judged figure on the one before it; %p of shares',
    attainment          Nullable(Float64) COMMENT 'judged figure / target, or target / figure for at_most',
    status              String COMMENT 'met, missed, at risk, guardrail broken or no data'
)
AS
WITH
    toDate(now(), '${timezone}') AS today,
    (figure, bound, grows) -> multiIf(
        bound.3 = 'at_most', figure > bound.2,
        bound.3 = 'at_least', figure < bound.2 AND NOT grows,
        false
    ) AS fails,
    (bounds, day) -> arrayLast(bound -> bound.1 <= day, arraySort(bounds)) AS in_force,
    asked AS
    (
        SELECT
            funnel,
            product,
            track,
            cohort,
            metric,
            from_stage,
            stage,
            period,
            groupArrayIf((valid_from, value, direction), role = 'target') AS targets_told,
            groupArrayIf((valid_from, value, direction), role = 'guardrail') AS guardrails_told,
            (funnel, product, track, cohort, metric, from_stage, stage, period) AS of,
            if(period = 'intake', 'intake_spend', 'ad_spend') AS spend,
            multiIf(
                metric = 'conversion', ('entries', stage, 'entries', from_stage),
                metric = 'withdrawals', ('withdrawals', stage, 'people', stage),
                metric IN ('cost', 'lac'), (spend, '', 'entries', stage),
                metric = 'roas', ('revenue', '', spend, ''),
                metric = 'revenue', ('revenue', '', '', ''),
                metric = 'ad_spend', (spend, '', '', ''),
                metric = 'inquiries', ('entries', 'inquiry', '', ''),
                ('entries', stage, '', '')
            ) AS made_of
        FROM targets
        GROUP BY
            funnel,
            product,
            track,
            cohort,
            metric,
            from_stage,
            stage,
            period
    ),
    summed AS
    (
        SELECT
            asked.*,
            target_facts.funnel_version AS funnel_version,
            valid_from,
            valid_until,
            multiIf(period = 'week', week, period = 'month', month, toDate(0)) AS begins,
            if(period = 'intake', target_facts.cohort, '') AS intake,
            min(week) AS first_week,
            sumIf(figure, what = made_of.1 AND target_facts.stage = made_of.2) AS upper,
            sumIf(figure, what = made_of.3 AND target_facts.stage = made_of.4) AS lower,
            max(what = spend) AS has_spend
        FROM asked
        INNER JOIN target_facts ON asked.funnel = target_facts.funnel
        WHERE (asked.track = '' OR asked.track = target_facts.track)
            AND (asked.cohort = '' OR asked.cohort = target_facts.cohort)
            AND (period = 'intake') = (intake != '')
        GROUP BY ALL
    ),
    openings AS
    (
        SELECT
            funnel,
            funnel_version,
            cohort,
            groupArray((track, opens, closes)) AS spans
        FROM intakes
        GROUP BY
            funnel,
            funnel_version,
            cohort
    ),
    dated AS
    (
        SELECT
            summed.* EXCEPT funnel_version,
            arrayFilter(span -> track = '' OR span.1 IN ('', track), spans) AS mine,
            multiIf(
                period IN ('week', 'month'), begins,
                notEmpty(mine), arrayMin(mine.2),
                NULL
            ) AS first_day,
            if(notEmpty(mine), arrayMax(mine.3), NULL) AS last_day,
            if(made_of.1 = spend AND NOT has_spend, NULL, upper) AS counted,
            if(made_of.3 = '' OR made_of.3 = spend AND NOT has_spend, NULL, lower) AS base,
            if(made_of.3 = '', counted, counted / nullIf(base, 0)) AS figure
        FROM summed
        LEFT JOIN openings
            ON summed.funnel = openings.funnel
            AND summed.funnel_version = openings.funnel_version
            AND summed.intake = openings.cohort
        WHERE ifNull(first_day, today) BETWEEN valid_from AND valid_until
    ),
    known AS
    (
        SELECT
            of,
            multiIf(
                period = 'week', toRelativeWeekNum(begins),
                period = 'month', toRelativeMonthNum(begins),
                row_number() OVER (PARTITION BY of ORDER BY ifNull(first_day, first_week) ASC, intake ASC)
            ) AS place,
            intake,
            first_day,
            last_day,
            figure,
            counted,
            base
        FROM dated
        UNION ALL
        SELECT
            of,
            multiIf(period = 'week', toRelativeWeekNum(today), period = 'month', toRelativeMonthNum(today), 1),
            '',
            multiIf(period = 'week', toStartOfWeek(today, 1), period = 'month', toStartOfMonth(today), NULL),
            NULL,
            NULL,
            NULL,
            NULL
        FROM asked
        WHERE period != 'intake'
    ),
    beside AS
    (
        SELECT
            of,
            place,
            intake,
            any(known.first_day) AS first_day,
            any(known.last_day) AS closes,
            max(figure) AS this_period,
            max(counted) AS this_count,
            max(base) AS this_base,
            max(this_period) OVER one_before AS last_period,
            max(this_count) OVER one_before AS last_count,
            max(this_base) OVER one_before AS last_base,
            max(this_period) OVER two_before AS period_before,
            max(this_count) OVER two_before AS before_count,
            max(this_base) OVER two_before AS before_base
        FROM known
        GROUP BY
            of,
            place,
            intake
        WINDOW
            one_before AS (PARTITION BY of ORDER BY place ASC RANGE BETWEEN 1 PRECEDING AND 1 PRECEDING),
            two_before AS (PARTITION BY of ORDER BY place ASC RANGE BETWEEN 2 PRECEDING AND 2 PRECEDING)
    ),
    judged AS
    (
        SELECT
            asked.* EXCEPT (cohort, targets_told, guardrails_told),
            beside.* EXCEPT (of, intake, closes),
            if(intake = '', asked.cohort, intake) AS cohort,
            multiIf(period = 'week', first_day + 6, period = 'month', toLastDayOfMonth(first_day), closes) AS last_day,
            ifNull(last_day < today, false) AS complete,
            in_force(targets_told, ifNull(first_day, today)) AS target_bound,
            in_force(guardrails_told, ifNull(first_day, today)) AS guardrail_bound,
            complete OR period IN ('intake', 'total') AS as_it_stands,
            if(as_it_stands, this_period, last_period) AS judged_figure,
            if(as_it_stands, last_period, period_before) AS prior_figure,
            made_of.3 = '' AND as_it_stands AND NOT complete AS grows,
            ifNull(
                if(
                    grows,
                    judged_figure / nullIf(today - first_day, 0) * (last_day - first_day + 1),
                    round(judged_figure + judged_figure - prior_figure, 9)
                ),
                judged_figure
            ) AS expected_figure
        FROM beside
        INNER JOIN asked ON beside.of = asked.of
    )
SELECT
    funnel,
    product,
    track,
    cohort,
    metric,
    from_stage,
    stage,
    period,
    first_day,
    last_day,
    complete,
    if(target_bound.3 = '', NULL, target_bound.2) AS target,
    target_bound.3 AS target_direction,
    if(guardrail_bound.3 = '', NULL, guardrail_bound.2) AS guardrail,
    guardrail_bound.3 AS guardrail_direction,
    this_period,
    this_count,
    this_base,
    last_period,
    last_count,
    last_base,
    period_before,
    before_count,
    before_base,
    judged_figure - prior_figure AS change,
    if(target_direction = 'at_most', target / nullIf(judged_figure, 0), judged_figure / nullIf(target, 0)) AS attainment,
    multiIf(
        judged_figure IS NULL, 'no data',
        fails(judged_figure, guardrail_bound, grows), 'guardrail broken',
        fails(judged_figure, target_bound, grows), 'missed',
        fails(expected_figure, guardrail_bound, false) OR fails(expected_figure, target_bound, false), 'at risk',
        'met'
    ) AS status
FROM judged
WHERE target_direction != '' OR guardrail_direction != '';
