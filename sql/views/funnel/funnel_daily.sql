-- funnel_daily: one row a funnel, product, track, day and stage, under the version in force on that
-- day. The columns are explained in `funnel_periods`.
-- Duplicates and late events: as in `stage_entries`.
CREATE OR REPLACE VIEW funnel_daily AS
SELECT days.*
FROM funnel_daily_versions AS days
INNER JOIN funnels
    ON days.funnel = funnels.funnel
    AND days.funnel_version = funnels.funnel_version
WHERE day BETWEEN valid_from AND valid_until;
