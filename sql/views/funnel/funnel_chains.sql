-- funnel_chains: one row a step of a funnel: how many people, or sessions, came so far in order.
-- Parameters: by_session (else by person), funnel, first_day and last_day of the events looked at,
-- window_days (the plan's own stands in `funnels`).
-- Ordered: each step after the one before it, whatever comes between; the window begins with the
-- first step of a chain, and the longest chain counts (windowFunnel). Strict: the same, but nothing
-- counts from the first step on that comes before the one ahead of it was reached (strict_order).
-- The version is the one in force on first_day.
-- A person's events count whichever session they are of. A session is the session id that was sent;
-- events without one, a server's among them, are left out.
-- Duplicates: copies of an event count as its first copy; people are as in `stage_entries`.
CREATE OR REPLACE VIEW funnel_chains AS
WITH
    steps AS
    (
        SELECT
            build,
            stage_position,
            stage,
            stage_label,
            row_number() OVER (ORDER BY stage_position ASC) AS step
        FROM stages
        WHERE kind = 'step' AND build IN (
            SELECT build
            FROM funnels
            WHERE funnel = {funnel:String} AND {first_day:Date} BETWEEN valid_from AND valid_until
        )
    ),
    hits AS
    (
        SELECT
            *,
            toUInt64(toUnixTimestamp64Milli(event_time)) AS at_ms,
            indexOf((SELECT arraySort(groupArray(stage_position)) FROM steps), stage_position) AS step
        FROM stage_hits_raw FINAL
        WHERE funnel = {funnel:String}
            AND build IN (SELECT build FROM steps)
            AND kind = 'step'
            AND (NOT {by_session:Bool} OR session_id != '')
            AND event_time >= toDateTime64({first_day:Date}, 6, '${timezone}')
            AND event_time < toDateTime64({last_day:Date} + 1, 6, '${timezone}')
    ),
    -- Grouped by a number of 16 bytes: the ids themselves take twice the memory.
    chains AS
    (
        SELECT
            windowFunnel({window_days:UInt64} * 86400000)(
                at_ms,
                step = 1,
                step = 2,
                step = 3,
                step = 4,
                step = 5,
                step = 6,
                step = 7,
                step = 8,
                step = 9,
                step = 10,
                step = 11,
                step = 12
            ) AS ordered,
            windowFunnel({window_days:UInt64} * 86400000, 'strict_order')(
                at_ms,
                step = 1,
                step = 2,
                step = 3,
                step = 4,
                step = 5,
                step = 6,
                step = 7,
                step = 8,
                step = 9,
                step = 10,
                step = 11,
                step = 12
            ) AS strict
        FROM hits
        GROUP BY sipHash128(person_id, known, if({by_session:Bool}, session_id, ''))
    ),
    lengths AS
    (
        SELECT
            ordered,
            strict,
            count() AS units
        FROM chains
        GROUP BY
            ordered,
            strict
    )
SELECT
    stage_position,
    stage,
    stage_label,
    sumIf(units, ordered >= step) AS units_ordered,
    sumIf(units, strict >= step) AS units_strict,
    units_ordered / nullIf(max(units_ordered) OVER (), 0) AS share_ordered,
    units_strict / nullIf(max(units_strict) OVER (), 0) AS share_strict
FROM lengths
CROSS JOIN steps
GROUP BY
    stage_position,
    stage,
    stage_label;
