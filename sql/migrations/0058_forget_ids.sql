-- forget_ids: the ids of the person who is being forgotten, emptied when they are: of users, of
-- devices that are theirs alone (device) or not (shared), and of sessions.
-- Duplicates: say nothing more.
-- Cluster: on every shard.
CREATE TABLE IF NOT EXISTS forget_ids
(
    kind LowCardinality(String),
    id   String
)
ENGINE = MergeTree
ORDER BY (kind, id)
SETTINGS
    old_parts_lifetime = 1,
    max_cleanup_delay_period = 60,
    fsync_after_insert = 1,
    fsync_part_directory = 1;
