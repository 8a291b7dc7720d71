-- withdrawal_reasons: one row a funnel, product, track, intake, stage left from and reason, over all
-- time: `withdrawals` by reason. Stages that nobody left have no row.
-- Inputs: `withdrawals`. The share is of the people who entered the stage.
-- Duplicates and late events: as in `stage_entries`.
CREATE OR REPLACE VIEW withdrawal_reasons
(
    funnel               String COMMENT 'the funnel',
    funnel_version       UInt32 COMMENT 'its version in force today',
    product              String COMMENT 'the product of the funnel',
    track                String COMMENT 'the track, empty where nobody told',
    cohort               String COMMENT 'the intake, empty where nobody told',
    stage_position       UInt16 COMMENT 'place of the stage in the funnel, 0 for inquiry and for none',
    stage                String COMMENT 'the stage left from, inquiry, or empty where no stage was reached',
    stage_label          String COMMENT 'its label',
    reason               String COMMENT 'the detail of the withdrawal, empty where none was told',
    withdrawals          UInt64 COMMENT 'people who withdrew for this reason',
    share                Nullable(Float64) COMMENT 'of the people who entered the stage',
    share_of_withdrawals Float64 COMMENT 'of the people who withdrew from the stage'
)
AS
SELECT
    funnel,
    funnel_version,
    product,
    track,
    cohort,
    stage_position,
    stage,
    stage_label,
    reason,
    people AS withdrawals,
    people / nullIf(entries, 0) AS share,
    people / stages_left.withdrawals AS share_of_withdrawals
FROM withdrawals AS stages_left
ARRAY JOIN
    mapKeys(reasons) AS reason,
    mapValues(reasons) AS people;
