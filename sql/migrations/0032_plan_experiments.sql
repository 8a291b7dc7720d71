-- plan_experiments: one row an experiment of a plan. Read it through the view `experiments`.
-- Cluster: on every shard.
CREATE TABLE IF NOT EXISTS plan_experiments
(
    plan           String,
    build          String COMMENT 'of its rules in signal_rules',
    experiment     String,
    title          String,
    title_ko       String,
    hypothesis     String,
    owner          String,
    starts_on      Date,
    ends_on        Date COMMENT 'last day, included',
    unit           String COMMENT 'device, user or session',
    traffic        Float64 COMMENT 'share of units that take part',
    seed           String,
    success        Float64 COMMENT 'relative lift',
    minimum_effect Float64 COMMENT 'relative lift',
    variants       Array(String) COMMENT 'the first is the control',
    weights        Array(Float64)
)
ENGINE = MergeTree
ORDER BY (plan, experiment)
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1;
