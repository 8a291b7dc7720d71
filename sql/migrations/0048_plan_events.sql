-- plan_events: one row an event of a plan, as its newest version describes it. Read it through the
-- view `planned_events`.
-- Cluster: on every shard.
CREATE TABLE IF NOT EXISTS plan_events
(
    plan       String,
    event      String,
    family     String,
    version    String,
    properties Array(String),
    required   Array(String)
)
ENGINE = MergeTree
ORDER BY (plan, event)
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1;
