-- arrivals: one row a copy of an event that came, duplicates included; it never forgets one.
-- Duplicates: the arrival number is part of the key, so a repeated load adds nothing.
-- Cluster: sharded by source, event_id.
CREATE TABLE IF NOT EXISTS arrivals
(
    source   LowCardinality(String),
    event_id UUID,
    arrival  UInt64 CODEC(Delta, ZSTD)
)
ENGINE = ReplacingMergeTree
ORDER BY (source, event_id, arrival)
SETTINGS
    index_granularity = 256,
    non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    auto_statistics_types = '';
