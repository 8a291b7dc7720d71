-- plan_funnels: one row a funnel's version in a plan. Read it through the view `funnels`.
-- Cluster: on every shard.
CREATE TABLE IF NOT EXISTS plan_funnels
(
    plan           String,
    build          String,
    funnel         String,
    funnel_version UInt32,
    product        String,
    title          String,
    title_ko       String,
    valid_from     Date,
    valid_until    Nullable(Date) COMMENT 'last day, included, where the file names one',
    window_days    UInt16
)
ENGINE = MergeTree
ORDER BY (plan, funnel, funnel_version)
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1;
