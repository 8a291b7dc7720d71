-- withdrawals: one row a funnel, product, track, intake and stage left from, over all time, by the
-- version of the funnel in force today (`withdrawals_versions` has all; `withdrawals_weekly` has weeks,
-- `withdrawal_reasons` a row a reason).
-- Inputs: `withdrawals_weekly_versions`. Of the people who entered the stage, those who withdrew from
-- it; after an inquiry, of the people who inquired. Rows add up over tracks and intakes: a share over
-- several rows is sum(withdrawals) / sum(entries), its reasons are sumMap(reasons).
-- Duplicates and late events: as in `stage_entries`.
CREATE OR REPLACE VIEW withdrawals
(
    funnel         String COMMENT 'the funnel',
    funnel_version UInt32 COMMENT 'its version in force today',
    product        String COMMENT 'the product of the funnel',
    track          String COMMENT 'the track, empty where nobody told',
    cohort         String COMMENT 'the intake, empty where nobody told',
    stage_position UInt16 COMMENT 'place of the stage in the funnel, 0 for inquiry and for none',
    stage          String COMMENT 'the stage left from, inquiry, or empty where no stage was reached',
    stage_label    String COMMENT 'its label',
    entries        UInt64 COMMENT 'people who entered the stage, or inquired',
    withdrawals    UInt64 COMMENT 'people who withdrew from the stage, or after an inquiry',
    share          Nullable(Float64) COMMENT 'withdrawals / entries',
    reasons        Map(String, UInt64) COMMENT 'withdrawals by reason, empty where none was told',
    target         Nullable(Float64) COMMENT 'the share that the plan allows',
    target_met     Nullable(Bool) COMMENT 'whether the share is within the target'
)
AS
SELECT * EXCEPT in_force
FROM withdrawals_versions
WHERE in_force;
