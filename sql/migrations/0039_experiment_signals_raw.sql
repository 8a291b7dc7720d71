-- experiment_signals_raw: one row an event that an experiment looks for, under the hashed ids that
-- it came with, the session first, then device and user: 128 bits of SipHash of kind and id. Events
-- of roles that ask whether, and not how often, are one row for all of the same ids, their first.
-- Duplicates: copies of one event are one row where they name the same ids; the rest is for
-- `experiment_signals`, by which it is read.
-- Cluster: sharded by names.
CREATE TABLE IF NOT EXISTS experiment_signals_raw
(
    build      LowCardinality(String),
    role       LowCardinality(String),
    position   UInt16,
    names      Array(UInt128),
    source     LowCardinality(String) COMMENT 'empty where events are not told apart',
    event_id   UUID,
    event_time SimpleAggregateFunction(min, DateTime64(6, 'UTC'))
)
ENGINE = AggregatingMergeTree
ORDER BY (build, role, position, names, source, event_id)
SETTINGS
    non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1,
    fsync_part_directory = 1;
