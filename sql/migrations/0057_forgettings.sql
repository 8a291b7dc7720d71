-- forgettings: one row each time that forgetting somebody has gathered what goes, and one when all
-- of it is gone. Nothing of the people stands here.
-- Duplicates: a row with done = 1 wins.
-- Cluster: on every shard.
CREATE TABLE IF NOT EXISTS forgettings
(
    forgetting String,
    at         DateTime64(6, 'UTC') DEFAULT now64(6),
    done       UInt8
)
ENGINE = ReplacingMergeTree(done)
ORDER BY forgetting
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1;
