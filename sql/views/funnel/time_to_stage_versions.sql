-- time_to_stage_versions: one row a version of a funnel, product, track, intake, stage and later stage:
-- `time_to_stage` by every version; in_force tells the version in force today. The other columns are as
-- there.
-- Duplicates and late events: as in `stage_entries`.
CREATE OR REPLACE VIEW time_to_stage_versions AS
SELECT * EXCEPT share_within_cohort REPLACE (
    (funnel, funnel_version) IN (
        SELECT
            funnel,
            funnel_version
        FROM funnels
        WHERE toDate(now(), '${timezone}') BETWEEN valid_from AND valid_until
    ) AS in_force
)
FROM time_to_stage_versions_between(first_day = '1970-01-01', last_day = '2149-06-06', days = 0);
