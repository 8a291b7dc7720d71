-- intake_spans: one row a version of a funnel and intake (cohort): in which tracks it is open when. An
-- entry goes by the spans of its intake that go together with its track, from the first day of any of
-- them to the last; where there are none its intake is always open.
-- Inputs: `intakes`. Duplicates and late events change nothing here.
CREATE OR REPLACE VIEW intake_spans
(
    funnel         String COMMENT 'the funnel',
    funnel_version UInt32 COMMENT 'its version',
    cohort         String COMMENT 'the intake',
    spans          Array(Tuple(String, Date, Date)) COMMENT 'track (empty for all), first day, last day'
)
AS
SELECT
    funnel,
    funnel_version,
    cohort,
    groupArray((track, opens, closes)) AS spans
FROM intakes
GROUP BY
    funnel,
    funnel_version,
    cohort;
