-- plan_intakes: one row an intake of a funnel in a plan, with the days on which it is open.
-- Cluster: on every shard.
CREATE TABLE IF NOT EXISTS plan_intakes
(
    plan           String,
    funnel         String,
    funnel_version UInt32,
    track          String,
    cohort         String,
    opens          Date,
    closes         Date COMMENT 'last day, included'
)
ENGINE = MergeTree
ORDER BY (plan, funnel, funnel_version, track, cohort)
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1;
