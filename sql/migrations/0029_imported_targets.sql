-- imported_targets: one row a target or guardrail that came by file, beside those of the plan.
-- Read it through the view `targets`.
-- Duplicates: a row with the same key, all columns but the direction and the value, replaces the
-- one before.
-- Cluster: on every shard.
CREATE TABLE IF NOT EXISTS imported_targets
(
    funnel      String,
    product     String,
    track       String COMMENT 'empty for all tracks together',
    cohort      String COMMENT 'the intake, for targets of an intake',
    metric      String,
    from_stage  String,
    stage       String,
    period      String COMMENT 'week, month, intake or total',
    role        String COMMENT 'target or guardrail',
    direction   String COMMENT 'at_least or at_most',
    value       Float64,
    valid_from  Date,
    imported_at DateTime64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(imported_at)
ORDER BY (funnel, product, track, cohort, metric, from_stage, stage, period, role, valid_from)
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1;
