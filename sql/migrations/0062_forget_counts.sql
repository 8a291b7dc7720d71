-- forget_counts: how many events of the person who is being forgotten each minute had by outcome,
-- emptied when they are.
-- Duplicates: add up.
-- Cluster: on every shard.
CREATE TABLE IF NOT EXISTS forget_counts
(
    source  LowCardinality(String),
    minute  DateTime('UTC'),
    outcome LowCardinality(String) COMMENT 'landed, duplicate or rejected',
    events  UInt64
)
ENGINE = MergeTree
ORDER BY (source, minute, outcome)
SETTINGS
    old_parts_lifetime = 1,
    max_cleanup_delay_period = 60,
    fsync_after_insert = 1,
    fsync_part_directory = 1;
