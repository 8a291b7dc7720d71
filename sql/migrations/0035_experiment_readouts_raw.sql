-- experiment_readouts_raw: one row a variant, metric and day of an experiment, each time that it
-- was read out. Read it through the view `experiment_readouts`, which says what columns mean.
-- Duplicates: the readout computed last replaces the one before.
-- Cluster: on every shard.
CREATE TABLE IF NOT EXISTS experiment_readouts_raw
(
    experiment       String,
    as_of            Date,
    position         UInt16,
    metric           String,
    role             String,
    kind             String,
    variant          String,
    units            UInt64,
    total            Float64,
    mean             Nullable(Float64),
    difference       Nullable(Float64),
    difference_low   Nullable(Float64),
    difference_high  Nullable(Float64),
    lift             Nullable(Float64),
    lift_low         Nullable(Float64),
    lift_high        Nullable(Float64),
    p_value          Nullable(Float64),
    p_adjusted       Nullable(Float64),
    test             String,
    always_low       Nullable(Float64),
    always_high      Nullable(Float64),
    cuped_difference Nullable(Float64),
    cuped_low        Nullable(Float64),
    cuped_high       Nullable(Float64),
    better           Nullable(Float64),
    expected_loss    Nullable(Float64),
    units_needed     Nullable(UInt64),
    days_left        Nullable(UInt32),
    verdict          String,
    why              String,
    computed_at      DateTime64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(computed_at)
ORDER BY (experiment, as_of, position, metric, variant)
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1;
