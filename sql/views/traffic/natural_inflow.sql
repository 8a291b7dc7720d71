-- natural_inflow: one row: which share of the entries into a step of a funnel on chosen days came of
-- itself, such as by HRD-NET: the person had no session that began before the entry, and had entered
-- no step that stands before this one, landing and joining among them.
-- Parameters: funnel; stage; first_day and last_day (included, days of the report timezone).
-- Inputs: `stage_entries` under the version in force on first_day, `sessions` (bots left out). The
-- days before are as many days before first_day. A person counts once in each track and intake.
-- Columns: entries, natural, natural_share, entries_before, natural_before, natural_share_before,
-- natural_share_change (%p); shares are NULL without entries.
-- Duplicates and late events: as in `stage_entries` and `sessions`; a late session or login makes an
-- entry that seemed natural one that was not.
CREATE OR REPLACE VIEW natural_inflow AS
WITH
    toDateTime64({first_day:Date}, 6, '${timezone}') AS begin,
    toDateTime64({last_day:Date} + 1, 6, '${timezone}') AS end,
    chosen AS
    (
        SELECT build
        FROM funnels
        WHERE funnel = {funnel:String} AND {first_day:Date} BETWEEN valid_from AND valid_until
    ),
    entered AS
    (
        SELECT
            person_id,
            known,
            entered_at
        FROM stage_entries
        WHERE build IN (SELECT build FROM chosen)
            AND stage = {stage:String}
            AND entered_at < end
            AND entered_at >= toDateTime64(
                {first_day:Date} - ({last_day:Date} - {first_day:Date} + 1), 6, '${timezone}'
            )
    ),
    seen AS
    (
        SELECT
            person_id,
            known,
            min(at) AS first_seen_at
        FROM
        (
            SELECT
                person_id,
                known,
                started_at AS at
            FROM sessions
            WHERE NOT is_bot AND started_at < end
            UNION ALL
            SELECT
                person_id,
                known,
                entered_at
            FROM stage_entries
            WHERE build IN (SELECT build FROM chosen)
                AND kind = 'step'
                AND stage_position < (
                    SELECT max(stage_position)
                    FROM stages
                    WHERE build IN (SELECT build FROM chosen) AND stage = {stage:String}
                )
        )
        WHERE (person_id, known) IN (SELECT person_id, known FROM entered)
        GROUP BY
            person_id,
            known
    ),
    judged AS
    (
        SELECT
            entered_at >= begin AS now,
            seen.person_id = '' OR first_seen_at >= entered_at AS came_of_itself
        FROM entered
        LEFT JOIN seen ON entered.person_id = seen.person_id AND entered.known = seen.known
    )
SELECT
    countIf(now) AS entries,
    countIf(now AND came_of_itself) AS natural,
    natural / nullIf(entries, 0) AS natural_share,
    countIf(NOT now) AS entries_before,
    countIf(NOT now AND came_of_itself) AS natural_before,
    natural_before / nullIf(entries_before, 0) AS natural_share_before,
    natural_share - natural_share_before AS natural_share_change
FROM judged;
