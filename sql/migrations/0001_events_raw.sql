-- events_raw: one row a copy of an event until merges leave the first copy received.
-- Duplicates: (source, event_id) is the whole key, since a retry changes neither; of several
-- copies the lowest arrival wins, in merges and under FINAL. Read it through the view `events`.
-- There is no time partition: no time stands still under a retry that carries another sentAt.
-- Parts stay compact up to 256 MiB: half a hundred columns are then one file to write and sync.
-- Cluster: sharded by source, event_id.
CREATE TABLE IF NOT EXISTS events_raw
(
    source              LowCardinality(String),
    event_id            UUID,
    arrival             UInt64,
    arrival_rank        UInt64 MATERIALIZED bitNot(arrival),
    server              Bool,
    received_at         DateTime64(6, 'UTC') CODEC(Delta, LZ4),
    event_time          DateTime64(6, 'UTC') CODEC(Delta, LZ4),
    sent_at             Nullable(DateTime64(6, 'UTC')) CODEC(Delta, LZ4),
    event_type          LowCardinality(String),
    event_name          LowCardinality(String),
    sent_name           LowCardinality(String),
    schema_version      LowCardinality(String),
    planned             Bool,
    anonymous_id        String,
    user_id             String,
    session_id          String,
    page_url            String,
    page_host           LowCardinality(String),
    page_path           String,
    page_query          String,
    page_title          String,
    referrer_url        String,
    referrer_host       LowCardinality(String),
    referrer_source     LowCardinality(String),
    channel             LowCardinality(String),
    utm_source          LowCardinality(String),
    utm_medium          LowCardinality(String),
    utm_campaign        LowCardinality(String),
    utm_term            String,
    utm_content         String,
    utm_id              String,
    click_id            String,
    click_id_kind       LowCardinality(String),
    device_class        LowCardinality(String),
    os                  LowCardinality(String),
    os_version          LowCardinality(String),
    browser             LowCardinality(String),
    browser_version     LowCardinality(String),
    is_bot              Bool,
    user_agent          String,
    ip                  LowCardinality(String),
    locale              LowCardinality(String),
    client_timezone     LowCardinality(String),
    library             LowCardinality(String),
    release             LowCardinality(String),
    properties          String,
    payload             String CODEC(ZSTD)
)
ENGINE = ReplacingMergeTree(arrival_rank)
ORDER BY (source, event_id)
SETTINGS
    min_bytes_for_wide_part = 268435456,
    non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    auto_statistics_types = '';
