-- funnel_weekly_versions: one row a funnel version, product, track, week and stage: `funnel_periods`
-- by week with the ad spend, for every version of each funnel, whichever was in force.
-- Spend is of the product and track; `cost_per_entry` of the lead stage is the LAC.
-- Duplicates and late events: as in `stage_entries`; spend imported again replaces itself.
CREATE OR REPLACE VIEW funnel_weekly_versions
(
    funnel                 String COMMENT 'the funnel',
    funnel_version         UInt32 COMMENT 'its version',
    product                String COMMENT 'the product of the funnel',
    track                  String COMMENT 'the track; empty where none is told',
    stage_position         UInt16 COMMENT 'place in the funnel, from 1',
    stage                  String COMMENT 'the stage',
    stage_label            String COMMENT 'its Korean name',
    kind                   String COMMENT 'step, withdrawn or rejected',
    lead                   Bool COMMENT 'whether the team counts its entries as leads',
    entries                UInt64 COMMENT 'first entries of people in the period',
    previous_entries       Nullable(UInt64) COMMENT 'entries of the step before in the period',
    step_conversion_period Nullable(Float64) COMMENT 'entries / previous_entries; may pass 1',
    started_cohort         UInt64 COMMENT 'people who entered stage one in the period',
    reached_cohort         UInt64 COMMENT 'of these, who ever entered the stage',
    reached_7d_cohort      UInt64 COMMENT 'who did within 7 days of their start',
    reached_14d_cohort     UInt64 COMMENT 'within 14 days',
    reached_30d_cohort     UInt64 COMMENT 'within 30 days',
    share_cohort           Nullable(Float64) COMMENT 'reached_cohort / started_cohort',
    share_7d_cohort        Nullable(Float64) COMMENT 'the same of reached_7d_cohort',
    share_14d_cohort       Nullable(Float64) COMMENT 'of reached_14d_cohort',
    share_30d_cohort       Nullable(Float64) COMMENT 'of reached_30d_cohort',
    week                   Date COMMENT 'the Monday',
    ad_spend               Decimal(38, 2) COMMENT 'KRW spent on the product and track in the week',
    cost_per_entry         Nullable(Float64) COMMENT 'ad_spend / entries; of the lead stage the LAC'
)
AS
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
