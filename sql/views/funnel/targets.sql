-- targets: one row a target or guardrail of a figure, from the day on which it holds.
-- Inputs: the targets of the plan in force, and those imported from files. A figure has one target
-- and one guardrail a day: an imported one takes the place of the plan's.
-- Duplicates: a target imported again replaces itself. Late events change nothing here.
CREATE OR REPLACE VIEW targets
(
    funnel     String COMMENT 'the funnel whose figure it is',
    product    String COMMENT 'the product of the funnel',
    track      String COMMENT 'empty for all tracks together',
    cohort     String COMMENT 'the intake, for targets of one intake',
    metric     String COMMENT 'conversion, entries, cost, withdrawals, lac, roas, revenue, ad_spend or inquiries',
    from_stage String COMMENT 'the stage that a conversion starts from',
    stage      String COMMENT 'the stage that a conversion leads to, or that is counted',
    period     String COMMENT 'week, month, intake or total',
    role       String COMMENT 'target or guardrail',
    direction  String COMMENT 'at_least or at_most',
    value      Float64 COMMENT 'shares as 0.35, money in KRW',
    valid_from Date COMMENT 'the first day on which it holds'
)
AS
WITH imported AS
    (
        SELECT * EXCEPT imported_at
        FROM imported_targets FINAL
    )
SELECT * EXCEPT plan
FROM plan_targets
WHERE plan = (
        SELECT plan
        FROM plan_states
        ORDER BY since DESC
        LIMIT 1
    )
    AND (funnel, product, track, cohort, metric, from_stage, stage, period, role, valid_from) NOT IN (
        SELECT
            funnel,
            product,
            track,
            cohort,
            metric,
            from_stage,
            stage,
            period,
            role,
            valid_from
        FROM imported
    )
UNION ALL
SELECT *
FROM imported;
