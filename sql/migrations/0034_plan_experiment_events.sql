-- plan_experiment_events: one row an event that an experiment of a plan looks for in its units.
-- Read it through the view `experiment_events`.
-- Cluster: on every shard.
CREATE TABLE IF NOT EXISTS plan_experiment_events
(
    plan       String,
    experiment String,
    role       String COMMENT 'trigger, step, browser or server',
    position   UInt16 COMMENT 'from 1 in its role; browser and server of a pair share it',
    event      String,
    conditions Array(Tuple(property String, operator String, expected Array(String)))
)
ENGINE = MergeTree
ORDER BY (plan, experiment, role, position)
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1;
