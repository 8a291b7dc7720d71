-- stage_events: one row a copy of an event that reaches a stage of a build, under the id that it
-- came with: a user's (known) or a device's.
-- Duplicates: of copies of one event that reach one stage under one id the first received stays;
-- copies that lose to one elsewhere are in `duplicate_arrivals`, which a refresh leaves out.
-- Cluster: sharded by source, event_id.
CREATE TABLE IF NOT EXISTS stage_events
(
    actor          String CODEC(ZSTD),
    known          Bool,
    build          LowCardinality(String),
    stage_position UInt16,
    stage          LowCardinality(String),
    kind           LowCardinality(String),
    reenter        LowCardinality(String),
    source         LowCardinality(String),
    event_id       UUID,
    arrival        UInt64,
    arrival_rank   UInt64 MATERIALIZED bitNot(arrival),
    event_time     DateTime64(6, 'UTC') CODEC(Delta, ZSTD),
    session_id     String CODEC(ZSTD),
    track          LowCardinality(String),
    cohort         LowCardinality(String),
    segment        LowCardinality(String),
    card_holder    LowCardinality(String),
    channel        LowCardinality(String),
    detail         LowCardinality(String),
    cluster        LowCardinality(String),
    amount         Nullable(Decimal(18, 2))
)
ENGINE = ReplacingMergeTree(arrival_rank)
ORDER BY (actor, known, build, stage_position, stage, source, event_id)
SETTINGS
    index_granularity = 128,
    non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    auto_statistics_types = '';
