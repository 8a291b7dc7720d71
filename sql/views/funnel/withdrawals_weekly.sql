-- withdrawals_weekly: one row a funnel, product, track, intake, week (Monday to Sunday) and stage left
-- from, by the version of the funnel in force on the week's first day (`withdrawals_weekly_versions`
-- has all). Inputs: `stage_entries`, `stages`, `funnels`, `targets` (metric withdrawals).
-- Period basis: people who withdrew in the week / people who entered the stage in the week. A person
-- counts once a stage, track and intake. They leave from the furthest stage reached until then; the
-- stage is empty where they had reached none. The stage `inquiry` counts people by their first inquiry,
-- and those who withdrew after it; its track and intake are those of the inquiry. The target is the
-- last one that holds by the week's first day, of the intake or track before that of all.
-- Duplicates and late events: as in `stage_entries`.
CREATE OR REPLACE VIEW withdrawals_weekly
(
    funnel             String COMMENT 'the funnel',
    funnel_version     UInt32 COMMENT 'its version in force on the first day of the week',
    product            String COMMENT 'the product of the funnel',
    track              String COMMENT 'the track, empty where nobody told',
    cohort             String COMMENT 'the intake, empty where nobody told',
    week               Date COMMENT 'the Monday',
    stage_position     UInt16 COMMENT 'place of the stage in the funnel, 0 for inquiry and for none',
    stage              String COMMENT 'the stage left from, inquiry, or empty where no stage was reached',
    stage_label        String COMMENT 'its label',
    entries_period     UInt64 COMMENT 'people who entered the stage, or inquired first, in the week',
    withdrawals_period UInt64 COMMENT 'people who withdrew from the stage, or after an inquiry, in the week',
    share_period       Nullable(Float64) COMMENT 'withdrawals / entries of the week; may pass 1',
    reasons_period     Map(String, UInt64) COMMENT 'withdrawals by reason, empty where none was told',
    target             Nullable(Float64) COMMENT 'the share that the plan allows, as of the week',
    target_met         Nullable(Bool) COMMENT 'whether the share is within the target'
)
AS
SELECT * EXCEPT in_force
FROM withdrawals_weekly_versions
WHERE in_force;
