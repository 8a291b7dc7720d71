-- funnel_daily_versions: `funnel_periods` by day, for every version of each funnel, whichever was
-- in force.
-- Duplicates and late events: as in `stage_entries`.
CREATE OR REPLACE VIEW funnel_daily_versions AS
SELECT
    * EXCEPT period,
    period AS day
FROM funnel_periods(unit = 'day');
