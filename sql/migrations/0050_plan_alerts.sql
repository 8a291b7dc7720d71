-- plan_alerts: one row a rule of a plan of what somebody is told of. Read it through the view
-- `alerts`.
-- Cluster: on every shard.
CREATE TABLE IF NOT EXISTS plan_alerts
(
    plan     String,
    alert    String,
    kind     String COMMENT 'coverage_gap, silence, reject_rate, guardrail_broken, spool_age or volume',
    title    String,
    coverage String COMMENT 'the place that is looked at, empty for any',
    source   String COMMENT 'empty for any',
    funnel   String COMMENT 'empty for any',
    minutes  UInt32 COMMENT 'over how long',
    above    Float64 COMMENT 'the share that is too high',
    at_least UInt32 COMMENT 'of at least so many events',
    seconds  UInt32,
    severity String
)
ENGINE = MergeTree
ORDER BY (plan, alert)
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1;
