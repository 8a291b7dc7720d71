-- funnel_daily_segments: one row a funnel, product, track, cohort (intake), segment, card holding,
-- channel, day and stage, under the version in force on it.
-- Dimensions are as they were at entry; for the counts on cohort basis, as they were at the start.
-- Entries and step conversion are on period basis, started, reached and shares on cohort basis:
-- `funnel_periods` explains both.
-- Counts add up over dimensions: `sum(entries) / sum(previous_entries)` is the conversion of fewer.
-- `funnel_periods(unit = 'day', split = true)` has the other versions.
-- Duplicates and late events: as in `stage_entries`.
CREATE OR REPLACE VIEW funnel_daily_segments
(
    funnel                 String COMMENT 'the funnel',
    funnel_version         UInt32 COMMENT 'the version in force on the day',
    product                String COMMENT 'the product of the funnel',
    track                  String COMMENT 'the track; empty where none is told',
    cohort                 String COMMENT 'the intake; empty where none is told',
    segment                String COMMENT 'the segment, by the property that the funnel\'s file names',
    card_holder            String COMMENT 'true, false or empty',
    channel                String COMMENT 'the channel of the last visit',
    day                    Date COMMENT 'the day',
    stage_position         UInt16 COMMENT 'place in the funnel, from 1',
    stage                  String COMMENT 'the stage',
    stage_label            String COMMENT 'its Korean name',
    kind                   String COMMENT 'step, withdrawn or rejected',
    lead                   Bool COMMENT 'whether the team counts its entries as leads',
    entries                UInt64 COMMENT 'first entries of people in the day',
    previous_entries       Nullable(UInt64) COMMENT 'entries of the step before in the day',
    step_conversion_period Nullable(Float64) COMMENT 'entries / previous_entries; may pass 1',
    started_cohort         UInt64 COMMENT 'first entries into stage one in the day',
    reached_cohort         UInt64 COMMENT 'of these, who ever entered the stage',
    reached_7d_cohort      UInt64 COMMENT 'who did within 7 days of their start',
    reached_14d_cohort     UInt64 COMMENT 'within 14 days',
    reached_30d_cohort     UInt64 COMMENT 'within 30 days',
    share_cohort           Nullable(Float64) COMMENT 'reached_cohort / started_cohort',
    share_7d_cohort        Nullable(Float64) COMMENT 'the same of reached_7d_cohort',
    share_14d_cohort       Nullable(Float64) COMMENT 'of reached_14d_cohort',
    share_30d_cohort       Nullable(Float64) COMMENT 'of reached_30d_cohort'
)
AS
SELECT
    funnel,
    funnel_version,
    product,
    track,
    cohort,
    segment,
    card_holder,
    channel,
    period AS day,
    stage_position,
    stage,
    stage_label,
    kind,
    lead,
    entries,
    previous_entries,
    step_conversion_period,
    started_cohort,
    reached_cohort,
    reached_7d_cohort,
    reached_14d_cohort,
    reached_30d_cohort,
    share_cohort,
    share_7d_cohort,
    share_14d_cohort,
    share_30d_cohort
FROM funnel_periods(unit = 'day', split = true)
WHERE in_force;
