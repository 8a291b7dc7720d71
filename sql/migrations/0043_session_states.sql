-- session_states: one row each time that refreshing everybody by a timeout began, and one
-- when it was done. The last row counts.
-- Cluster: on every shard.
CREATE TABLE IF NOT EXISTS session_states
(
    since     DateTime64(6, 'UTC') DEFAULT now64(6),
    timeout_s UInt32,
    done      Bool
)
ENGINE = MergeTree
ORDER BY since
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1;
