-- schema_migrations: one row a migration that this warehouse has, with its text's checksum.
-- Cluster: on every shard.
CREATE TABLE IF NOT EXISTS schema_migrations
(
    name       String,
    checksum   String,
    applied_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree
ORDER BY name
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1;
