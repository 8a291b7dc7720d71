-- user_devices: one row a user and a device that some copy of an event named together; a way to
-- find devices, which holds more than is true where copies disagree.
-- Duplicates: the pair is the key.
-- Cluster: on every shard.
CREATE TABLE IF NOT EXISTS user_devices
(
    user_id      String,
    anonymous_id String
)
ENGINE = ReplacingMergeTree
ORDER BY (user_id, anonymous_id)
SETTINGS
    index_granularity = 128,
    non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1,
    fsync_part_directory = 1;
