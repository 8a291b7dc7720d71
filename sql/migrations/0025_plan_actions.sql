-- plan_actions: one row an action of the team in a plan: what it should move, for whom, how far.
-- Cluster: on every shard.
CREATE TABLE IF NOT EXISTS plan_actions
(
    plan        String,
    action      String,
    title       String,
    title_ko    String,
    hypothesis  String,
    funnel      String,
    product     String,
    track       String COMMENT 'empty for all tracks together',
    starts_on   Date,
    window_days UInt16,
    audience    String COMMENT 'the stage whose residents it is for',
    from_stage  String,
    stage       String,
    success     Float64,
    guardrail   Nullable(Float64)
)
ENGINE = MergeTree
ORDER BY (plan, action)
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1;
