-- copies: one row a copy that lost to an earlier one.
CREATE TEMPORARY VIEW copies AS
SELECT
    source,
    event_id,
    arrival
FROM duplicate_arrivals;
