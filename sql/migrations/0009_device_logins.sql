-- device_logins: one row a copy of an event that names both a device and a user, and one of an alias
-- call for its former id, which may be a device's. An id that is the user's own names no device.
-- Duplicates: of copies of one event with one device and user the first received stays, so that who
-- ever logged in is not forgotten; copies that lose to another are in `duplicate_arrivals`.
-- Cluster: on every shard.
CREATE TABLE IF NOT EXISTS device_logins
(
    anonymous_id String CODEC(ZSTD),
    source       LowCardinality(String),
    event_id     UUID,
    arrival      UInt64,
    arrival_rank UInt64 MATERIALIZED bitNot(arrival),
    event_time   DateTime64(6, 'UTC') CODEC(Delta, ZSTD),
    user_id      String CODEC(ZSTD),
    former       Bool COMMENT 'the device is the former id of an alias call, and the event came from no such device'
)
ENGINE = ReplacingMergeTree(arrival_rank)
ORDER BY (anonymous_id, source, event_id, user_id)
SETTINGS
    index_granularity = 128,
    non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    auto_statistics_types = '';
