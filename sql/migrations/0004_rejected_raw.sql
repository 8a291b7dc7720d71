-- rejected_raw: one row a rejected event, kept with what was sent and why it was rejected.
-- Duplicates: keyed by arrival, so a repeated load adds nothing; a replayed event is written
-- again with replayed = 1, which wins. Read it through the view `rejected_events`.
-- Cluster: sharded by source, event_id.
CREATE TABLE IF NOT EXISTS rejected_raw
(
    source         LowCardinality(String),
    arrival        UInt64,
    event_id       UUID,
    server         Bool,
    received_at    DateTime64(6, 'UTC') CODEC(Delta, ZSTD),
    event_time     DateTime64(6, 'UTC') CODEC(Delta, ZSTD),
    sent_at        Nullable(DateTime64(6, 'UTC')) CODEC(Delta, ZSTD),
    event_type     LowCardinality(String),
    event_name     String CODEC(ZSTD),
    sent_name      String CODEC(ZSTD),
    schema_version LowCardinality(String),
    reason         LowCardinality(String),
    path           String CODEC(ZSTD),
    detail         String CODEC(ZSTD),
    page           String CODEC(ZSTD),
    user_agent     String CODEC(ZSTD),
    ip             LowCardinality(String),
    payload        String CODEC(ZSTD),
    replayed       UInt8
)
ENGINE = ReplacingMergeTree(replayed)
ORDER BY (source, arrival, event_id)
SETTINGS
    non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1,
    fsync_part_directory = 1;
