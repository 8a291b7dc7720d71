-- withdrawals_versions: one row a version of a funnel, product, track, intake and stage left from:
-- `withdrawals` by every version; in_force tells the version in force today. The other columns are as
-- there; the target is the one of the last week, be it none, over which argMax alone would pass.
-- Duplicates and late events: as in `stage_entries`.
CREATE OR REPLACE VIEW withdrawals_versions AS
SELECT
    funnel,
    funnel_version,
    (funnel, funnel_version) IN (
        SELECT
            funnel,
            funnel_version
        FROM funnels
        WHERE toDate(now(), '${timezone}') BETWEEN valid_from AND valid_until
    ) AS in_force,
    product,
    track,
    cohort,
    stage_position,
    stage,
    stage_label,
    sum(entries_period) AS entries,
    sum(withdrawals_period) AS withdrawals,
    withdrawals / nullIf(entries, 0) AS share,
    sumMap(reasons_period) AS reasons,
    argMax((target, week), week).1 AS target,
    share <= target AS target_met
FROM withdrawals_weekly_versions
GROUP BY
    funnel,
    funnel_version,
    product,
    track,
    cohort,
    stage_position,
    stage,
    stage_label;
