-- visits: one row an event that no server sent, of the people settled, as it is now.
CREATE TEMPORARY TABLE visits
(
    person_id     String,
    known         Bool,
    logged_in     Bool,
    source        LowCardinality(String),
    event_id      UUID,
    event_time    DateTime64(6, 'UTC'),
    session_id    String,
    event_name    LowCardinality(String),
    is_bot        Bool,
    page_host     LowCardinality(String),
    page_path     String,
    channel       LowCardinality(String),
    utm_source    LowCardinality(String),
    utm_medium    LowCardinality(String),
    utm_campaign  LowCardinality(String),
    referrer_host LowCardinality(String),
    device_class  LowCardinality(String),
    detail        LowCardinality(String),
    number        UInt32
)
ENGINE = Memory;
