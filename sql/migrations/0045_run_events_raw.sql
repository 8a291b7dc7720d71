-- run_events_raw: one row an arrival of an event of a test run, accepted (reason empty) or rejected.
-- They stand in no other table, so that no report counts them. Of a rejected event page_url is the
-- page that sent it, and nothing else is derived.
-- Duplicates: keyed by arrival, so a repeated load adds nothing. Read it through `run_events`.
-- Cluster: sharded by source, event_id.
CREATE TABLE IF NOT EXISTS run_events_raw
(
    run                 String,
    source              LowCardinality(String),
    event_id            UUID,
    arrival             UInt64,
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
    payload             String CODEC(ZSTD),
    reason              LowCardinality(String),
    path                String,
    detail              String
)
ENGINE = ReplacingMergeTree
ORDER BY (run, source, event_id, arrival)
SETTINGS
    index_granularity = 1024,
    non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1,
    fsync_part_directory = 1;
