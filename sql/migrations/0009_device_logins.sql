-- device_logins: one row a copy of an event that names both a device and a user, or an alias call
-- whose former id may be a device's.
-- Duplicates: of copies of one event on one device the first received stays; copies that lose to
-- one on another device are in `duplicate_arrivals`.
CREATE TABLE IF NOT EXISTS device_logins
(
    anonymous_id String CODEC(ZSTD),
    source       LowCardinality(String),
    event_id     UUID,
    arrival      UInt64,
    arrival_rank UInt64 MATERIALIZED bitNot(arrival),
    event_time   DateTime64(6, 'UTC') CODEC(Delta, ZSTD),
    user_id      String CODEC(ZSTD)
)
ENGINE = ReplacingMergeTree(arrival_rank)
ORDER BY (anonymous_id, source, event_id)
SETTINGS
    non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1,
    fsync_part_directory = 1;
