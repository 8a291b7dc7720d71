-- hits: one row an event by which the people settled reached a stage, as it is now.
CREATE TEMPORARY TABLE hits
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
