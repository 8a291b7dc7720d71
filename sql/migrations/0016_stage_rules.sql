-- stage_rules: the stages of all funnels as data, one row an event that can reach a stage.
-- A build is one version of a funnel as its file stands, named by its content: an edited file is
-- another build, whose states grow beside those in use until they are complete.
-- Cluster: on every shard.
CREATE TABLE IF NOT EXISTS stage_rules
(
    build          LowCardinality(String),
    funnel         LowCardinality(String),
    funnel_version UInt32,
    product        LowCardinality(String),
    stage_position UInt16,
    stage          LowCardinality(String),
    stage_label    String,
    kind           LowCardinality(String) COMMENT 'step, withdrawn, rejected, excluded or measure',
    lead           Bool,
    role           LowCardinality(String),
    within_days    UInt16,
    event_name     LowCardinality(String),
    conditions     Array(Tuple(property String, operator String, expected Array(String))),
    wanted         Array(Tuple(property String, operator String, expected Array(String))) MATERIALIZED
        arrayMap(
            condition -> (condition.1, condition.2, arrayMap(text -> JSONExtractRaw(text), condition.3)),
            conditions
        ) COMMENT 'the conditions with their values in the engine''s own writing',
    reenter        LowCardinality(String) COMMENT 'empty, daily or always',
    reads          Map(String, String) COMMENT 'the property that gives a column of the entry'
)
ENGINE = MergeTree
ORDER BY (event_name, build, stage_position)
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1;
