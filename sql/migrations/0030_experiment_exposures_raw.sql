-- experiment_exposures_raw: one row a copy of an event that shows a unit a variant.
-- Duplicates: of copies of one event the first received stays; copies that lose to one elsewhere
-- are in `duplicate_arrivals`, which the views leave out. Read it through `experiment_exposures`.
CREATE TABLE IF NOT EXISTS experiment_exposures_raw
(
    experiment   LowCardinality(String),
    source       LowCardinality(String),
    event_id     UUID,
    arrival      UInt64,
    arrival_rank UInt64 MATERIALIZED bitNot(arrival),
    event_time   DateTime64(6, 'UTC') CODEC(Delta, ZSTD),
    variant      LowCardinality(String),
    anonymous_id String CODEC(ZSTD),
    user_id      String CODEC(ZSTD),
    session_id   String CODEC(ZSTD),
    is_bot       Bool
)
ENGINE = ReplacingMergeTree(arrival_rank)
ORDER BY (experiment, source, event_id)
SETTINGS
    non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1,
    fsync_part_directory = 1;
