-- stage_events: one row a copy of an event that reaches a stage of a funnel.
-- Duplicates: of copies of one event that reach one stage the first received stays; copies that
-- lose to one that reached another stage, or none, are left out by the view `stage_entries`.
CREATE TABLE IF NOT EXISTS stage_events
(
    funnel         LowCardinality(String),
    funnel_version UInt32,
    stage_position UInt16,
    stage          LowCardinality(String),
    source         LowCardinality(String),
    event_id       UUID,
    arrival        UInt64,
    arrival_rank   UInt64 MATERIALIZED bitNot(arrival),
    event_time     DateTime64(6, 'UTC') CODEC(Delta, ZSTD),
    person_id      String CODEC(ZSTD),
    product        LowCardinality(String),
    track          LowCardinality(String),
    cohort         LowCardinality(String)
)
ENGINE = ReplacingMergeTree(arrival_rank)
ORDER BY (funnel, funnel_version, stage_position, source, event_id)
SETTINGS
    non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1,
    fsync_part_directory = 1;
