-- funnel_residents: one row a funnel, product, track, intake, stage, segment and card_holder: the people
-- who stand there now, by the version of the funnel in force today. Another moment:
-- funnel_residents_at(at = '2024-07-01 18:00:00'); every version: `funnel_residents_versions`.
-- Inputs: `stage_entries`, `stages`, `funnels`, `intake_spans`.
-- A person stands at the furthest stage reached, in each track and intake for itself: where they
-- entered until the moment, and nothing has ended that: a later stage, a terminal one, or an entry into
-- the same stage that tells more. An intake has residents on the days on which it is open, see
-- `intake_spans`. Dwell is in calendar days from the day of the first entry to that of the moment, both
-- of the report timezone; median and p90 are interpolated, as spreadsheets do.
-- Rows add up: the mean of several is sum(dwell_days_total) / sum(residents); median and p90 of several
-- come from `funnel_residents_list`.
-- Duplicates and late events: as in `stage_entries`; a late event changes past moments, too.
CREATE OR REPLACE VIEW funnel_residents
(
    funnel            String COMMENT 'the funnel',
    funnel_version    UInt32 COMMENT 'its version in force today',
    product           String COMMENT 'the product of the funnel',
    track             String COMMENT 'the track, empty where nobody told',
    cohort            String COMMENT 'the intake, empty where nobody told',
    stage_position    UInt16 COMMENT 'place of the stage in the funnel, from 1',
    stage             String COMMENT 'the stage where they stand',
    stage_label       String COMMENT 'its label',
    segment           String COMMENT 'segment at entry, unknown where nobody told',
    card_holder       String COMMENT 'true or false at entry, empty where nobody told',
    residents         UInt64 COMMENT 'people who stand there',
    dwell_days_total  Int64 COMMENT 'days of all of them together, for means of wider groups',
    dwell_days_mean   Float64 COMMENT 'calendar days since the entry, mean',
    dwell_days_median Float64 COMMENT 'the same, median',
    dwell_days_p90    Float64 COMMENT 'the same, which nine of ten have not passed'
)
AS
SELECT *
FROM funnel_residents_at(at = now64(6, '${timezone}'));
