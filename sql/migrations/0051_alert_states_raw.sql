-- alert_states_raw: one row each time that a condition of an alert began or was over, and somebody
-- was told. Read it through the view `alert_states`.
-- Duplicates: the row written last counts.
-- Cluster: on every shard.
CREATE TABLE IF NOT EXISTS alert_states_raw
(
    alert    String,
    subject  String,
    title    String,
    severity String,
    told     String,
    since    DateTime64(3, 'UTC'),
    until    Nullable(DateTime64(3, 'UTC')),
    at       DateTime64(6, 'UTC') DEFAULT now64(6)
)
ENGINE = ReplacingMergeTree(at)
ORDER BY (alert, subject)
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1;
