-- touched: one row a copy of an event that the load brought.
CREATE TEMPORARY TABLE touched
(
    source       LowCardinality(String),
    event_id     UUID,
    arrival      UInt64,
    user_id      String,
    anonymous_id String
)
ENGINE = Memory;
