-- removal_effects_raw: one row a channel of a chain, each time that one was computed. Read it
-- through the view `removal_effects`, which says what columns mean.
-- Duplicates: the rows of one computation have one computed_at; the view shows the last.
-- Cluster: on every shard.
CREATE TABLE IF NOT EXISTS removal_effects_raw
(
    funnel         String,
    stage          String,
    first_day      Date,
    last_day       Date,
    lookback_days  UInt16,
    channel        String,
    removal_effect Float64,
    computed_at    DateTime64(6, 'UTC')
)
ENGINE = MergeTree
ORDER BY (funnel, stage, last_day, computed_at, channel)
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1;
