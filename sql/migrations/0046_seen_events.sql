-- seen_events: one row a copy of an event in order of receipt, with what coverage asks of it.
-- Duplicates: the arrival number is part of the key, so a repeated load adds nothing; copies that
-- lose to one elsewhere are in `duplicate_arrivals`. Read it through `seen_between`.
-- Cluster: sharded by source, event_id.
CREATE TABLE IF NOT EXISTS seen_events
(
    hour       DateTime('UTC'),
    event_name LowCardinality(String),
    source     LowCardinality(String),
    event_id   UUID,
    arrival    UInt64 CODEC(Delta, ZSTD),
    event_time DateTime64(6, 'UTC') CODEC(Delta, ZSTD),
    sent_name  LowCardinality(String),
    planned    Bool,
    server     Bool,
    is_bot     Bool,
    device     UInt64 COMMENT 'hash of the anonymous id, else of the user id',
    page_host  LowCardinality(String),
    page_path  String CODEC(ZSTD),
    release    LowCardinality(String),
    filled     Array(LowCardinality(String)) COMMENT 'properties with a value, at most 100',
    experiment LowCardinality(String) COMMENT 'of an exposure',
    variant    LowCardinality(String) COMMENT 'of an exposure'
)
ENGINE = ReplacingMergeTree
ORDER BY (hour, event_name, source, arrival, event_id)
SETTINGS
    index_granularity = 1024,
    non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1,
    fsync_part_directory = 1;
