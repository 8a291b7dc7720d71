-- plan_coverage: one row an event that a plan expects at a place. Read it through the view
-- `expectations`.
-- Cluster: on every shard.
CREATE TABLE IF NOT EXISTS plan_coverage
(
    plan         String,
    coverage     String COMMENT 'the place: a file of the plan',
    position     UInt16,
    title        String,
    title_ko     String,
    pages        Array(String) COMMENT 'LIKE patterns of host and path, none for any page',
    source       String COMMENT 'empty for any',
    event        String,
    properties   Array(String) COMMENT 'that each event must bear',
    from_release String COMMENT 'the first release that sends it, empty for all',
    experiment   String COMMENT 'expected in each of its variants',
    variants     Array(String),
    at_least     UInt32 COMMENT 'a day, 0 for any number',
    heartbeat    Bool COMMENT 'one at least in every hour of service',
    opens        UInt8 COMMENT 'first hour of service',
    closes       UInt8 COMMENT 'hour at which service ends',
    step         UInt16 COMMENT 'place in the order expected, 0 for none'
)
ENGINE = MergeTree
ORDER BY (plan, coverage, position)
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1;
