-- forgotten_raw: how many events of forgotten people each minute had, by outcome, so that the ledger
-- still adds up. Nothing of the people stands here.
-- Duplicates: each forgetting writes under a name of its own, so that its repetition adds nothing.
-- Cluster: on every shard.
CREATE TABLE IF NOT EXISTS forgotten_raw
(
    forgetting String,
    source     LowCardinality(String),
    minute     DateTime('UTC'),
    outcome    LowCardinality(String) COMMENT 'landed, duplicate or rejected',
    events     UInt64
)
ENGINE = ReplacingMergeTree
ORDER BY (forgetting, source, minute, outcome)
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1;
