-- signal_rules: one row an event that an experiment's units are looked up for, of a build: the
-- experiment's events as its file stands.
-- Cluster: on every shard.
CREATE TABLE IF NOT EXISTS signal_rules
(
    build      LowCardinality(String),
    role       LowCardinality(String) COMMENT 'trigger, step, browser, server or metric',
    position   UInt16,
    event_name LowCardinality(String),
    conditions Array(Tuple(property String, operator String, expected Array(String))),
    by_session Bool COMMENT 'units are sessions',
    since      DateTime64(6, 'UTC') COMMENT 'events before it tell nothing'
)
ENGINE = MergeTree
ORDER BY (build, role, position)
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1;
