-- plan_experiment_metrics: one row a metric of an experiment of a plan, the primary one first.
-- Read it through the view `experiment_metrics`.
-- Cluster: on every shard.
CREATE TABLE IF NOT EXISTS plan_experiment_metrics
(
    plan        String,
    experiment  String,
    position    UInt16,
    metric      String,
    role        String COMMENT 'primary, secondary or guardrail',
    kind        String COMMENT 'stage, stage_within, revenue or count',
    funnel      String,
    stage       String,
    days        UInt16,
    event       String,
    conditions  Array(Tuple(property String, operator String, expected Array(String))),
    per_session Bool,
    direction   String COMMENT 'increase or decrease, whichever is better',
    tolerance   Float64 COMMENT 'largest relative worsening that a guardrail bears'
)
ENGINE = MergeTree
ORDER BY (plan, experiment, position)
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1;
