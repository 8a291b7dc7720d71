-- visits: one row an event that no server sent, of the people settled or of another user of their
-- devices; copies that lose to one elsewhere are still among them.
CREATE TEMPORARY TABLE visits
(
    person_id     String,
    known         Bool,
    logged_in     Bool,
    source        LowCardinality(String),
    event_id      UUID,
    arrival       UInt64,
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
