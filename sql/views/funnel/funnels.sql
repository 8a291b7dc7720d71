-- funnels: one row a version of a funnel of the plan in force, with its build and the days on
-- which reports go by it: until its own last day, or until the next version begins.
-- Duplicates and late events change nothing here.
CREATE OR REPLACE VIEW funnels AS
SELECT
    funnel,
    funnel_version,
    build,
    product,
    title,
    title_ko,
    valid_from,
    ifNull(
        valid_until,
        leadInFrame(toDate32(valid_from) - 1, 1, toDate32('2299-12-31')) OVER (
            PARTITION BY funnel
            ORDER BY funnel_version ASC
            ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING
        )
    ) AS valid_until,
    window_days
FROM plan_funnels
WHERE plan = (
    SELECT plan
    FROM plan_states
    ORDER BY since DESC
    LIMIT 1
);
