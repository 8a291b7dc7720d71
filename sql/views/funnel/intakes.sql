-- intakes: one row an intake (cohort) of a funnel's version of the plan in force, and when it is
-- open.
-- Duplicates and late events change nothing here.
CREATE OR REPLACE VIEW intakes
(
    funnel         String COMMENT 'the funnel',
    funnel_version UInt32 COMMENT 'its version',
    track          String COMMENT 'empty for all tracks',
    cohort         String COMMENT 'the intake',
    opens          Date COMMENT 'the first day',
    closes         Date COMMENT 'the last day, included'
)
AS
SELECT * EXCEPT plan
FROM plan_intakes
WHERE plan = (
    SELECT plan
    FROM plan_states
    ORDER BY since DESC
    LIMIT 1
);
