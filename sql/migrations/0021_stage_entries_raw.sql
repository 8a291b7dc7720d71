-- stage_entries_raw: one row an entry of a person into a stage, or an event that a funnel measures.
-- Read it through the view `stage_entries`, which says what the columns mean.
-- Duplicates: refreshed; a row that no longer holds is written again with gone = 1, which wins.
-- Cluster: sharded by person_id.
CREATE TABLE IF NOT EXISTS stage_entries_raw
(
    funnel            LowCardinality(String),
    funnel_version    UInt32,
    build             LowCardinality(String),
    person_id         String CODEC(ZSTD),
    known             Bool,
    stage_position    UInt16,
    stage             LowCardinality(String),
    track             LowCardinality(String),
    cohort            LowCardinality(String),
    source            LowCardinality(String),
    event_id          UUID,
    product           LowCardinality(String),
    kind              LowCardinality(String),
    entered_at        DateTime64(6, 'UTC') CODEC(Delta, ZSTD),
    segment           LowCardinality(String),
    card_holder       LowCardinality(String),
    channel           LowCardinality(String),
    detail            LowCardinality(String),
    cluster           LowCardinality(String),
    amount            Nullable(Decimal(18, 2)),
    started_at        Nullable(DateTime64(6, 'UTC')),
    start_track       LowCardinality(String),
    start_cohort      LowCardinality(String),
    start_segment     LowCardinality(String),
    start_card_holder LowCardinality(String),
    start_channel     LowCardinality(String),
    first_of_start    Bool,
    left_at           Nullable(DateTime64(6, 'UTC')),
    left_stage        LowCardinality(String),
    repeated          Bool,
    row_hash          UInt64 COMMENT 'of all other columns, by which a change is seen',
    changed_at        UInt64 CODEC(Delta, ZSTD),
    gone              UInt8
)
ENGINE = ReplacingMergeTree(changed_at, gone)
ORDER BY (funnel, funnel_version, build, person_id, known, stage_position, stage, track, cohort, source, event_id)
SETTINGS
    index_granularity = 256,
    non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    auto_statistics_types = '';
