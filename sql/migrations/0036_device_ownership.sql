-- device_ownership: one row a person and a device: until when the anonymous events on it are theirs,
-- as the last refresh of its ids found. A device on which nobody logged in has none.
-- Duplicates: the row written last wins; a row that no longer holds is written again with gone = 1.
-- Cluster: on every shard.
CREATE TABLE IF NOT EXISTS device_ownership
(
    anonymous_id String CODEC(ZSTD),
    until        DateTime64(6, 'UTC') COMMENT 'of the last owner the end of time',
    person_id    String CODEC(ZSTD),
    changed_at   UInt64 CODEC(Delta, ZSTD),
    gone         UInt8
)
ENGINE = ReplacingMergeTree(changed_at, gone)
ORDER BY (anonymous_id, until)
SETTINGS
    index_granularity = 128,
    non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1,
    fsync_part_directory = 1;
