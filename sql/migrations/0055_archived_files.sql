-- archived_files: one row a file of an archive whose rows all stand here, and one with an empty name
-- once everybody is refreshed after the last of them.
-- Duplicates: noting a file again changes nothing.
-- Cluster: on every shard.
CREATE TABLE IF NOT EXISTS archived_files
(
    archive String,
    file    String,
    at      DateTime64(6, 'UTC') DEFAULT now64(6)
)
ENGINE = ReplacingMergeTree
ORDER BY (archive, file)
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1;
