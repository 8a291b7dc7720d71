-- funnel_daily_versions: one row a funnel version, product, track, day and stage: `funnel_periods`
-- by day, for every version of each funnel, whichever was in force.
-- Duplicates and late events: as in `stage_entries`.
CREATE OR REPLACE VIEW funnel_daily_versions
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
    day                    Date COMMENT 'the day'
)
AS
SELECT
    * EXCEPT period,
    period AS day
FROM funnel_periods(unit = 'day');
