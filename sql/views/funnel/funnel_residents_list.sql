-- funnel_residents_list: one row a person who stands at a stage now, in a track and intake: the audience
-- of a message, by the versions of the funnels in force today. Another moment:
-- funnel_residents_list_at(at = '2024-07-01 18:00:00').
-- Inputs: `stage_entries`, `funnels`, `intake_spans`. Who stands where is as in `funnel_residents`.
-- Duplicates and late events: as in `stage_entries`.
CREATE OR REPLACE VIEW funnel_residents_list
(
    funnel         String COMMENT 'the funnel',
    funnel_version UInt32 COMMENT 'its version in force today',
    product        String COMMENT 'the product of the funnel',
    track          String COMMENT 'the track, empty where nobody told',
    cohort         String COMMENT 'the intake, empty where nobody told',
    stage_position UInt16 COMMENT 'place of the stage in the funnel, from 1',
    stage          String COMMENT 'the stage where the person stands',
    segment        String COMMENT 'segment at entry, unknown where nobody told',
    card_holder    String COMMENT 'true or false at entry, empty where nobody told',
    channel        String COMMENT 'channel at entry',
    person_id      String COMMENT 'the user, or the device as long as nobody logged in on it',
    known          Bool COMMENT 'whether person_id is a user',
    entered_at     DateTime64(6, 'UTC') COMMENT 'since when they stand there',
    dwell_days     Int64 COMMENT 'calendar days since then'
)
AS
SELECT *
FROM funnel_residents_list_at(at = now64(6, '${timezone}'));
