-- ad_spend: what was spent on ads, one row a product, track, channel and period (a day or a week).
-- Duplicates: a row with the same key replaces the one before; the import refuses overlaps.
-- Cluster: on every shard.
CREATE TABLE IF NOT EXISTS ad_spend
(
    product      LowCardinality(String),
    track        LowCardinality(String),
    channel      LowCardinality(String),
    period_start Date,
    period_end   Date COMMENT 'last day of the period, included',
    amount       Decimal(18, 2) COMMENT 'in the currency of the report',
    imported_at  DateTime64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(imported_at)
ORDER BY (product, track, channel, period_start, period_end)
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1;
