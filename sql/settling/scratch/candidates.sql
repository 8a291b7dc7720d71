-- candidates: one row an event that reached a stage, of the people settled or of another user of
-- their devices; copies that lose to one elsewhere are still among them.
CREATE TEMPORARY TABLE candidates
(
    build          LowCardinality(String),
    person_id      String,
    known          Bool,
    stage_position UInt16,
    stage          LowCardinality(String),
    kind           LowCardinality(String),
    reenter        LowCardinality(String),
    source         LowCardinality(String),
    event_id       UUID,
    arrival        UInt64,
    event_time     DateTime64(6, 'UTC'),
    session_id     String,
    track          LowCardinality(String),
    cohort         LowCardinality(String),
    segment        LowCardinality(String),
    card_holder    LowCardinality(String),
    channel        LowCardinality(String),
    detail         LowCardinality(String),
    cluster        LowCardinality(String),
    amount         Nullable(Decimal(18, 2))
)
ENGINE = Memory;
