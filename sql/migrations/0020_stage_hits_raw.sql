-- stage_hits_raw: one row an event that reached a stage of a build, with the person it is of. The
-- entries of everybody are made from it; ordered contests of steps read it through `stage_hits`.
-- Duplicates: refreshed; a row that no longer holds is written again with gone = 1, which wins.
-- Cluster: sharded by person_id.
CREATE TABLE IF NOT EXISTS stage_hits_raw
(
    funnel         LowCardinality(String),
    funnel_version UInt32,
    build          LowCardinality(String),
    person_id      String CODEC(ZSTD),
    known          Bool,
    event_time     DateTime64(6, 'UTC') CODEC(Delta, ZSTD),
    stage_position UInt16,
    stage          LowCardinality(String),
    source         LowCardinality(String),
    event_id       UUID,
    kind           LowCardinality(String),
    reenter        LowCardinality(String),
    session_id     String CODEC(ZSTD),
    track          LowCardinality(String),
    cohort         LowCardinality(String),
    segment        LowCardinality(String),
    card_holder    LowCardinality(String),
    channel        LowCardinality(String),
    detail         LowCardinality(String),
    cluster        LowCardinality(String),
    amount         Nullable(Decimal(18, 2)),
    row_hash       UInt64 COMMENT 'of all other columns, by which a change is seen',
    changed_at     UInt64 CODEC(Delta, ZSTD),
    gone           UInt8
)
ENGINE = ReplacingMergeTree(changed_at, gone)
ORDER BY (funnel, funnel_version, build, person_id, known, event_time, stage_position, stage, source, event_id)
SETTINGS
    index_granularity = 256,
    non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    auto_statistics_types = '';
