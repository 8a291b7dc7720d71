-- rejected_arrivals: one row a rejected event, without anything of what was sent; the ledger counts
-- these, so that it adds up when retention has dropped the events themselves.
-- Duplicates: keyed by arrival, so a repeated load adds nothing; of a replayed event the row with
-- replayed = 1 wins.
-- Cluster: sharded by source, event_id.
CREATE TABLE IF NOT EXISTS rejected_arrivals
(
    source   LowCardinality(String),
    arrival  UInt64 CODEC(Delta, ZSTD),
    event_id UUID,
    replayed UInt8
)
ENGINE = ReplacingMergeTree(replayed)
ORDER BY (source, arrival, event_id)
SETTINGS
    non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1,
    fsync_part_directory = 1;
