-- stage_rules: the stages of all funnels as data, one row an event that can reach a stage.
-- Written whole from the tracking plan at start; never merged with older rules.
CREATE TABLE IF NOT EXISTS stage_rules
(
    funnel         LowCardinality(String),
    funnel_version UInt32,
    product        LowCardinality(String),
    stage_position UInt16,
    stage          LowCardinality(String),
    stage_label    String,
    event_name     LowCardinality(String),
    conditions     Array(Tuple(property String, operator String, expected Array(String))),
    terminal       LowCardinality(String),
    lead           Bool
)
ENGINE = MergeTree
ORDER BY (event_name, funnel, funnel_version, stage_position)
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1;
