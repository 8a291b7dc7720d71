-- exposure_events: one row a copy of an event that shows a unit a variant, under the id that it came
-- with: a user's (known) or a device's. Bots are shown nothing.
-- Duplicates: of copies of one event under one id the first received stays; copies that lose to one
-- elsewhere are in `duplicate_arrivals`, which a refresh leaves out.
-- Cluster: sharded by source, event_id.
CREATE TABLE IF NOT EXISTS exposure_events
(
    actor        String CODEC(ZSTD),
    known        Bool,
    source       LowCardinality(String),
    event_id     UUID,
    arrival      UInt64,
    arrival_rank UInt64 MATERIALIZED bitNot(arrival),
    event_time   DateTime64(6, 'UTC') CODEC(Delta, ZSTD),
    experiment   LowCardinality(String),
    variant      LowCardinality(String),
    device       String CODEC(ZSTD),
    session_id   String CODEC(ZSTD)
)
ENGINE = ReplacingMergeTree(arrival_rank)
ORDER BY (actor, known, source, event_id)
SETTINGS
    index_granularity = 128,
    non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1,
    fsync_part_directory = 1;
