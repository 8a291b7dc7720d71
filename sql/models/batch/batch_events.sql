-- batch_events: one row a copy of an event that the load brought, with what tells whom it may change.
-- Filled by the loader; empty in a full refresh.
-- Reads: nothing.
-- Writes: batch_events.
-- Key: source, event_id, arrival.
CREATE OR REPLACE TEMPORARY TABLE batch_events
(
    source       LowCardinality(String),
    event_id     UUID,
    arrival      UInt64,
    event_type   LowCardinality(String),
    event_name   LowCardinality(String),
    server       Bool,
    user_id      String,
    anonymous_id String,
    session_id   String
)
ENGINE = Memory;
