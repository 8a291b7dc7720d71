-- landed_segments: one row a segment whose rows all stand in the warehouse.
-- Duplicates: a repeated load names the same segments, which changes nothing.
-- Cluster: on every shard.
CREATE TABLE IF NOT EXISTS landed_segments
(
    segment String
)
ENGINE = ReplacingMergeTree
ORDER BY segment
SETTINGS
    non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1,
    fsync_part_directory = 1;
