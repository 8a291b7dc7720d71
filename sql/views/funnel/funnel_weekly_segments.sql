-- funnel_weekly_segments: one row a funnel, product, track, cohort (intake), segment, card holding,
-- channel, week and stage in which anyone entered it, under the version in force on the Monday.
-- `entries` may be added up over any of these; an entry counts under the dimensions that it had.
-- Duplicates and late events: as in `stage_entries`.
CREATE OR REPLACE VIEW funnel_weekly_segments
(
    funnel         String COMMENT 'the funnel',
    funnel_version UInt32 COMMENT 'the version in force on the Monday',
    product        String COMMENT 'the product of the funnel',
    track          String COMMENT 'the track; empty where none is told',
    cohort         String COMMENT 'the intake; empty where none is told',
    segment        String COMMENT 'the segment that the funnel\'s file names',
    card_holder    String COMMENT 'true, false or empty',
    channel        String COMMENT 'the channel of the last visit until the entry',
    week           Date COMMENT 'the Monday',
    stage_position UInt16 COMMENT 'place in the funnel, from 1',
    stage          String COMMENT 'the stage',
    entries        UInt64 COMMENT 'first entries of people in the week'
)
AS
WITH counted AS
    (
        SELECT
            funnel,
            funnel_version,
            product,
            track,
            cohort,
            segment,
            card_holder,
            channel,
            toStartOfWeek(toDate(entered_at, '${timezone}'), 1) AS week,
            stage_position,
            stage,
            count() AS entries
        FROM stage_entries_raw FINAL
        WHERE kind != 'measure' AND build IN (SELECT build FROM funnels)
        GROUP BY ALL
    )
SELECT counted.*
FROM counted
INNER JOIN funnels
    ON counted.funnel = funnels.funnel
    AND counted.funnel_version = funnels.funnel_version
WHERE week BETWEEN valid_from AND valid_until;
