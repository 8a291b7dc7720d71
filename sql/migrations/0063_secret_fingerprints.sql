-- secret_fingerprints: one row a secret that personal fields were hashed with, told by a slow hash of
-- it, and since when. The last one counts.
-- Duplicates: the same secret again changes nothing.
-- Cluster: on every shard.
CREATE TABLE IF NOT EXISTS secret_fingerprints
(
    since       DateTime64(6, 'UTC') DEFAULT now64(6),
    fingerprint String
)
ENGINE = MergeTree
ORDER BY since
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1;
