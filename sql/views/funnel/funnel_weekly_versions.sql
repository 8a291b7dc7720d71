-- funnel_weekly_versions: `funnel_periods` by week with the week's ad spend, for every version of
-- each funnel, whichever was in force.
-- Spend is of the product and track; `cost_per_entry` of the lead stage is the LAC.
-- Duplicates and late events: as in `stage_entries`; spend imported again replaces itself.
CREATE OR REPLACE VIEW funnel_weekly_versions AS
SELECT
    weeks.* EXCEPT period,
    weeks.period AS week,
    ad_spend_weekly.ad_spend AS ad_spend,
    toFloat64(ad_spend) / nullIf(weeks.entries, 0) AS cost_per_entry
FROM funnel_periods(unit = 'week') AS weeks
LEFT JOIN ad_spend_weekly
    ON weeks.product = ad_spend_weekly.product
    AND weeks.track = ad_spend_weekly.track
    AND weeks.period = ad_spend_weekly.week;
