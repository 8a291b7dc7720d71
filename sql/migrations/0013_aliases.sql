-- aliases: one row a copy of an alias call, which joins two users unless its former id is a device's.
-- Duplicates: of copies of one event with the same ids the first received stays, so that whoever
-- was joined is not forgotten; copies that lose to another are in `duplicate_arrivals`.
-- Cluster: on every shard.
CREATE TABLE IF NOT EXISTS aliases
(
    source       LowCardinality(String),
    event_id     UUID,
    arrival      UInt64,
    arrival_rank UInt64 MATERIALIZED bitNot(arrival),
    previous_id  String,
    user_id      String
)
ENGINE = ReplacingMergeTree(arrival_rank)
ORDER BY (source, event_id, previous_id, user_id)
SETTINGS
    non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1,
    fsync_part_directory = 1;
