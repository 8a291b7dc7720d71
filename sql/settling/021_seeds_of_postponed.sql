-- Seeds of loads that came while builds grew: as many of them as are settled at once.
INSERT INTO seeds
SELECT DISTINCT
    id,
    known
FROM postponed_seeds FINAL
LIMIT {at_once:UInt64};
