-- stage_rebuilds: the fingerprint of the rules under which stage_events were last rebuilt, one row;
-- empty while a rebuild is under way.
CREATE TABLE IF NOT EXISTS stage_rebuilds
(
    fingerprint String,
    finished_at DateTime64(6, 'UTC') DEFAULT now64(6)
)
ENGINE = MergeTree
ORDER BY finished_at
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1;
