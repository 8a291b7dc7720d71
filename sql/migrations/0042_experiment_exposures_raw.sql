-- experiment_exposures_raw: one row an event that showed a person a variant. Read it through the view
-- `experiment_exposures`, which says what the columns mean.
-- Duplicates: refreshed; a row that no longer holds is written again with gone = 1, which wins.
-- Cluster: sharded by person_id.
CREATE TABLE IF NOT EXISTS experiment_exposures_raw
(
    experiment LowCardinality(String),
    person_id  String CODEC(ZSTD),
    known      Bool,
    source     LowCardinality(String),
    event_id   UUID,
    arrival    UInt64,
    event_time DateTime64(6, 'UTC') CODEC(Delta, ZSTD),
    variant    LowCardinality(String),
    device     String CODEC(ZSTD),
    session_id String CODEC(ZSTD),
    row_hash   UInt64 COMMENT 'of all other columns, by which a change is seen',
    changed_at UInt64 CODEC(Delta, ZSTD),
    gone       UInt8
)
ENGINE = ReplacingMergeTree(changed_at, gone)
ORDER BY (experiment, person_id, known, source, event_id)
SETTINGS
    index_granularity = 256,
    non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1,
    fsync_part_directory = 1;
