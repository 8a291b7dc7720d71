-- postponed_seeds: one row an id of a load that came while builds grew, until its people are settled
-- in these too.
-- Duplicates: an id is settled once, however often it stands here; then it is written again with
-- gone = 1, which wins.
-- Cluster: on every shard.
CREATE TABLE IF NOT EXISTS postponed_seeds
(
    id         String,
    known      Bool,
    changed_at UInt64,
    gone       UInt8
)
ENGINE = ReplacingMergeTree(changed_at, gone)
ORDER BY (id, known)
SETTINGS
    non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1,
    fsync_part_directory = 1;
