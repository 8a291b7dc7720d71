-- received_raw: how many events each committed frame of a segment was received with, counted
-- before the spool and apart from the rows, so that the ledger's sum can fail.
-- Duplicates: keyed by the frame, so a repeated load adds nothing.
-- Cluster: sharded by segment.
CREATE TABLE IF NOT EXISTS received_raw
(
    segment String,
    frame   UInt64,
    source  LowCardinality(String),
    minute  DateTime('UTC') CODEC(Delta, ZSTD),
    events  UInt64
)
ENGINE = ReplacingMergeTree
ORDER BY (source, minute, segment, frame)
SETTINGS
    non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1,
    fsync_part_directory = 1;
