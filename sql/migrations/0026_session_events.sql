-- session_events: one row a copy of an event that no server sent, under the id that it came with: a
-- user's (known) or a device's. Sessions are made of these.
-- Duplicates: of copies of one event under one id the first received stays; copies that lose to one
-- elsewhere are in `duplicate_arrivals`, which a refresh leaves out.
-- Cluster: sharded by source, event_id.
CREATE TABLE IF NOT EXISTS session_events
(
    actor         String CODEC(ZSTD),
    known         Bool,
    source        LowCardinality(String),
    event_id      UUID,
    arrival       UInt64,
    arrival_rank  UInt64 MATERIALIZED bitNot(arrival),
    event_time    DateTime64(6, 'UTC') CODEC(Delta, ZSTD),
    session_id    String CODEC(ZSTD),
    event_name    LowCardinality(String),
    is_bot        Bool,
    page_host     LowCardinality(String),
    page_path     String CODEC(ZSTD),
    channel       LowCardinality(String),
    utm_source    LowCardinality(String),
    utm_medium    LowCardinality(String),
    utm_campaign  LowCardinality(String),
    referrer_host LowCardinality(String),
    device_class  LowCardinality(String),
    detail        LowCardinality(String) COMMENT 'section, CTA, experiment:variant or way to the guide',
    number        UInt32 COMMENT 'percent of scroll or milliseconds engaged'
)
ENGINE = ReplacingMergeTree(arrival_rank)
ORDER BY (actor, known, source, event_id)
SETTINGS
    index_granularity = 128,
    non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    auto_statistics_types = '';
