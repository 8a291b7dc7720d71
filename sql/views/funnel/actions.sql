-- actions: one row an action of the team in the plan in force: what it should move, and how far.
-- Duplicates and late events change nothing here.
CREATE OR REPLACE VIEW actions
(
    action      String COMMENT 'the name of its file',
    title       String,
    title_ko    String,
    hypothesis  String COMMENT 'why it should work',
    funnel      String COMMENT 'the funnel that it is about',
    product     String COMMENT 'the product of the funnel',
    track       String COMMENT 'empty for all tracks together',
    starts_on   Date COMMENT 'its first day',
    window_days UInt16 COMMENT 'for how many days it is watched',
    audience    String COMMENT 'the stage whose residents it is for',
    from_stage  String COMMENT 'where the conversion that it should move starts from',
    stage       String COMMENT 'and where that conversion leads to',
    success     Float64 COMMENT 'the share that it should reach',
    guardrail   Nullable(Float64) COMMENT 'the share below which it did harm'
)
AS
SELECT * EXCEPT plan
FROM plan_actions
WHERE plan = (
    SELECT plan
    FROM plan_states
    ORDER BY since DESC
    LIMIT 1
);
