-- sessions_raw: one row a session of a person. Read it through the view `sessions`, which says what
-- the columns mean.
-- Duplicates: refreshed; a row that no longer holds is written again with gone = 1, which wins. The
-- partition is of the key itself, so both versions of a row stand in the same one.
-- Cluster: sharded by person_id.
CREATE TABLE IF NOT EXISTS sessions_raw
(
    person_id       String CODEC(ZSTD),
    known           Bool,
    started_at      DateTime64(6, 'UTC') CODEC(Delta, ZSTD),
    session_id      String CODEC(ZSTD),
    is_timed        Bool COMMENT 'the tracker sent no session id: cut by the session timeout',
    ended_at        DateTime64(6, 'UTC') CODEC(Delta, ZSTD),
    logged_in       Bool,
    is_bot          Bool,
    entry_host      LowCardinality(String),
    entry_path      String CODEC(ZSTD),
    exit_host       LowCardinality(String),
    exit_path       String CODEC(ZSTD),
    channel         LowCardinality(String),
    utm_source      LowCardinality(String),
    utm_medium      LowCardinality(String),
    utm_campaign    LowCardinality(String),
    referrer_host   LowCardinality(String),
    device_class    LowCardinality(String),
    pages           UInt32,
    events          UInt32,
    engaged_s       Float64,
    deepest_scroll  UInt32,
    sections_seen   Array(LowCardinality(String)),
    ctas_clicked    Array(LowCardinality(String)),
    variants_seen   Array(LowCardinality(String)),
    guide_opened_at Nullable(DateTime64(6, 'UTC')),
    guide_logged_in Bool,
    guide_entry     LowCardinality(String),
    guide_section   LowCardinality(String),
    guide_cta       LowCardinality(String),
    bounced         Bool,
    entered         Array(Tuple(
        build      LowCardinality(String),
        entered_at DateTime64(6, 'UTC'),
        stage      LowCardinality(String)
    )) COMMENT 'steps of all builds that the person entered from begin to end',
    row_hash        UInt64 COMMENT 'of all other columns, by which a change is seen',
    changed_at      UInt64 CODEC(Delta, ZSTD),
    gone            UInt8
)
ENGINE = ReplacingMergeTree(changed_at, gone)
PARTITION BY toYYYYMM(started_at)
ORDER BY (person_id, known, started_at, session_id)
SETTINGS
    index_granularity = 256,
    non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    auto_statistics_types = '';
