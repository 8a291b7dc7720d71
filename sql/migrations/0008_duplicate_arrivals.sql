-- duplicate_arrivals: one row a copy of an event that came after its first copy, found when the
-- load that brought it is refreshed.
-- Duplicates: keyed by the copy itself; the first arrival only ever moves back, and the least wins.
-- Cluster: sharded by source, event_id.
CREATE TABLE IF NOT EXISTS duplicate_arrivals
(
    source        LowCardinality(String),
    event_id      UUID,
    arrival       UInt64,
    first_arrival UInt64,
    first_rank    UInt64 MATERIALIZED bitNot(first_arrival)
)
ENGINE = ReplacingMergeTree(first_rank)
ORDER BY (source, event_id, arrival)
SETTINGS
    index_granularity = 256,
    non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    auto_statistics_types = '';
