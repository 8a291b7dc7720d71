-- cluster_shards: one row, the number of shards at the first start; on one machine none.
-- Duplicates: the first row counts.
-- Cluster: on every shard.
CREATE TABLE IF NOT EXISTS cluster_shards
(
    shards UInt32,
    since  DateTime64(6, 'UTC') DEFAULT now64(6)
)
ENGINE = ReplacingMergeTree
ORDER BY since
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1;
