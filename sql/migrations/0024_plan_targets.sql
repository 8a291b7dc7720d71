-- plan_targets: one row a target or guardrail of a plan, from the day on which it holds.
-- Cluster: on every shard.
CREATE TABLE IF NOT EXISTS plan_targets
(
    plan       String,
    funnel     String,
    product    String,
    track      String COMMENT 'empty for all tracks together',
    cohort     String COMMENT 'the intake, for targets of an intake',
    metric     String,
    from_stage String,
    stage      String,
    period     String COMMENT 'week, month, intake or total',
    role       String COMMENT 'target or guardrail',
    direction  String COMMENT 'at_least or at_most',
    value      Float64,
    valid_from Date
)
ENGINE = MergeTree
ORDER BY (plan, funnel, metric, from_stage, stage, track, cohort, period, role, valid_from)
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1;
