-- stage_rebuilds: one row a finished rebuild of stage_events, with the fingerprint of its rules.
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
