-- entry_shares: one row a step of a funnel, dimension and value of it: which share of the entries of
-- chosen days it is, beside as many days before. Dimensions: start_channel (the channel of the entry
-- into stage one, or of this entry where none goes before it), channel, segment, card_holder, track
-- and cohort, of the entry; empty values are those not told.
-- Parameters: funnel; first_day and last_day (included, days of the report timezone).
-- Inputs: `stage_entries` under the version in force on first_day, for the days before too. Shares
-- are of all entries into the step in those days, NULL without any; changes are differences of shares.
-- Columns: stage_position, stage, dimension, value, entries, share, entries_before, share_before,
-- change.
-- Duplicates and late events: as in `stage_entries`; a late event counts on the day of its time.
CREATE OR REPLACE VIEW entry_shares AS
WITH
    toDateTime64({first_day:Date}, 6, '${timezone}') AS begin,
    counted AS
    (
        SELECT
            stage_position,
            stage,
            dimension.1 AS name,
            dimension.2 AS value,
            countIf(entered_at >= begin) AS entries,
            countIf(entered_at < begin) AS entries_before
        FROM stage_entries
        ARRAY JOIN [
            ('start_channel', if(started_at IS NULL, toString(channel), toString(start_channel))),
            ('channel', toString(channel)),
            ('segment', toString(segment)),
            ('card_holder', toString(card_holder)),
            ('track', toString(track)),
            ('cohort', toString(cohort))
        ] AS dimension
        WHERE kind = 'step'
            AND build IN (
                SELECT build
                FROM funnels
                WHERE funnel = {funnel:String} AND {first_day:Date} BETWEEN valid_from AND valid_until
            )
            AND entered_at >= toDateTime64(
                {first_day:Date} - ({last_day:Date} - {first_day:Date} + 1), 6, '${timezone}'
            )
            AND entered_at < toDateTime64({last_day:Date} + 1, 6, '${timezone}')
        GROUP BY
            stage_position,
            stage,
            name,
            value
    )
SELECT
    stage_position,
    stage,
    name AS dimension,
    value,
    entries,
    entries / nullIf(sum(entries) OVER of_dimension, 0) AS share,
    entries_before,
    entries_before / nullIf(sum(entries_before) OVER of_dimension, 0) AS share_before,
    share - share_before AS change
FROM counted
WINDOW of_dimension AS (PARTITION BY stage, name);
