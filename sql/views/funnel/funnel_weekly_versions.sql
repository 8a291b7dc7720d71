-- funnel_weekly_versions: one row a funnel version, product, track, week (Monday to Sunday) and stage,
-- for every version of each funnel, whichever was in force.
-- Entries and step conversion are on period basis, started, reached and shares on cohort basis:
-- `funnel_periods` explains both.
-- ad_spend is of the product and track, all channels together, and stands at each of their stages.
-- Duplicates and late events: as in `stage_entries`; spend imported again replaces itself.
CREATE OR REPLACE VIEW funnel_weekly_versions
(
    funnel                 String COMMENT 'the funnel',
    funnel_version         UInt32 COMMENT 'a version of it',
    product                String COMMENT 'the product of the funnel',
    track                  String COMMENT 'the track; empty where none is told',
    week                   Date COMMENT 'the Monday',
    stage_position         UInt16 COMMENT 'place in the funnel, from 1',
    stage                  String COMMENT 'the stage',
    stage_label            String COMMENT 'its Korean name',
    kind                   String COMMENT 'step, withdrawn or rejected',
    lead                   Bool COMMENT 'whether the team counts its entries as leads',
    entries                UInt64 COMMENT 'first entries of people in the week',
    previous_entries       Nullable(UInt64) COMMENT 'entries of the step before in the week',
    step_conversion_period Nullable(Float64) COMMENT 'entries / previous_entries; may pass 1',
    started_cohort         UInt64 COMMENT 'first entries into stage one in the week',
    reached_cohort         UInt64 COMMENT 'of these, who ever entered the stage',
    reached_7d_cohort      UInt64 COMMENT 'who did within 7 days of their start',
    reached_14d_cohort     UInt64 COMMENT 'within 14 days',
    reached_30d_cohort     UInt64 COMMENT 'within 30 days',
    share_cohort           Nullable(Float64) COMMENT 'reached_cohort / started_cohort',
    share_7d_cohort        Nullable(Float64) COMMENT 'the same of reached_7d_cohort',
    share_14d_cohort       Nullable(Float64) COMMENT 'of reached_14d_cohort',
    share_30d_cohort       Nullable(Float64) COMMENT 'of reached_30d_cohort',
    ad_spend               Decimal(38, 2) COMMENT 'KRW spent on the product and track in the week',
    cost_per_entry         Nullable(Float64) COMMENT 'ad_spend / entries; of the lead stage the LAC',
    in_force               Bool COMMENT 'whether reports of the week go by this version'
)
AS
SELECT
    weeks.funnel AS funnel,
    weeks.funnel_version AS funnel_version,
    weeks.product AS product,
    weeks.track AS track,
    weeks.period AS week,
    weeks.stage_position AS stage_position,
    weeks.stage AS stage,
    weeks.stage_label AS stage_label,
    weeks.kind AS kind,
    weeks.lead AS lead,
    weeks.entries AS entries,
    weeks.previous_entries AS previous_entries,
    weeks.step_conversion_period AS step_conversion_period,
    weeks.started_cohort AS started_cohort,
    weeks.reached_cohort AS reached_cohort,
    weeks.reached_7d_cohort AS reached_7d_cohort,
    weeks.reached_14d_cohort AS reached_14d_cohort,
    weeks.reached_30d_cohort AS reached_30d_cohort,
    weeks.share_cohort AS share_cohort,
    weeks.share_7d_cohort AS share_7d_cohort,
    weeks.share_14d_cohort AS share_14d_cohort,
    weeks.share_30d_cohort AS share_30d_cohort,
    ad_spend_weekly.ad_spend AS ad_spend,
    toFloat64(ad_spend) / nullIf(entries, 0) AS cost_per_entry,
    weeks.in_force AS in_force
FROM funnel_periods(unit = 'week', split = false) AS weeks
LEFT JOIN ad_spend_weekly
    ON weeks.product = ad_spend_weekly.product
    AND weeks.track = ad_spend_weekly.track
    AND weeks.period = ad_spend_weekly.week;
