-- plan_states: one row each time that a plan came into force: its name, made from its content, and
-- the builds whose states are complete, which every view reads from then on. The last row counts.
-- Cluster: on every shard.
CREATE TABLE IF NOT EXISTS plan_states
(
    since  DateTime64(6, 'UTC') DEFAULT now64(6),
    plan   String,
    builds Array(String)
)
ENGINE = MergeTree
ORDER BY since
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1;
