-- aliased_users: one row a user whom an alias call joined with another, and the person they are.
-- Written when a load with alias calls is refreshed.
-- Duplicates: the row written last wins; a user on their own again is their own person.
-- Cluster: on every shard.
CREATE TABLE IF NOT EXISTS aliased_users
(
    user_id    String,
    person_id  String,
    changed_at UInt64
)
ENGINE = ReplacingMergeTree(changed_at)
ORDER BY user_id
SETTINGS
    index_granularity = 128,
    non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1,
    fsync_part_directory = 1;
