-- runs_raw: one row a test run whose events are kept apart, from when on and until when.
-- Duplicates: the row written last counts. Read it through the view `runs`.
-- Cluster: on every shard.
CREATE TABLE IF NOT EXISTS runs_raw
(
    run        String,
    starts_at  DateTime64(6, 'UTC'),
    ends_at    DateTime64(6, 'UTC'),
    note       String,
    changed_at DateTime64(6, 'UTC') DEFAULT now64(6)
)
ENGINE = ReplacingMergeTree(changed_at)
ORDER BY run
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1;
