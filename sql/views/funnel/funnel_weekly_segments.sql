-- funnel_weekly_segments: one row a funnel, product, track, cohort (intake), segment, card holding,
-- channel, week and stage in which anyone entered it, under the version in force on the Monday.
-- `entries` may be added up over any of these; an entry counts under the dimensions that it had.
-- Duplicates and late events: as in `stage_entries`.
CREATE OR REPLACE VIEW funnel_weekly_segments AS
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
