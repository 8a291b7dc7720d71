-- funnel_ordered: one row a step of a funnel: how many people came so far within a window.
-- Parameters: funnel, first_day and last_day of the events looked at, window_days (the plan's own
-- stands in `funnels`).
-- Events count whichever session they are of.
-- What ordered and strict mean, and which version counts, stands at `funnel_chains`.
-- Duplicates: copies of an event count as its first copy; people are as in `stage_entries`.
CREATE OR REPLACE VIEW funnel_ordered AS
SELECT
    stage_position,
    stage,
    stage_label,
    units_ordered AS people_ordered,
    units_strict AS people_strict,
    share_ordered,
    share_strict
FROM funnel_chains(
    by_session = false,
    funnel = {funnel:String},
    first_day = {first_day:Date},
    last_day = {last_day:Date},
    window_days = {window_days:UInt64});
