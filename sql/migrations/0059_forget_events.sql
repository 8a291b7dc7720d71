-- forget_events: the events of the person who is being forgotten, emptied when they are.
-- Duplicates: say nothing more.
-- Cluster: on every shard.
CREATE TABLE IF NOT EXISTS forget_events
(
    source   LowCardinality(String),
    event_id UUID
)
ENGINE = MergeTree
ORDER BY (source, event_id)
SETTINGS
    old_parts_lifetime = 1,
    max_cleanup_delay_period = 60,
    fsync_after_insert = 1,
    fsync_part_directory = 1;
