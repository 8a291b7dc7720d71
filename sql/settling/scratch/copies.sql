-- copies: one row a copy that lost to an earlier one, of the events worked on.
CREATE TEMPORARY TABLE copies
(
    source   LowCardinality(String),
    event_id UUID,
    arrival  UInt64
)
ENGINE = Memory;
