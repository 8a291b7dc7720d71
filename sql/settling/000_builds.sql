-- The builds settled: those that grow, or all others.
INSERT INTO builds
SELECT DISTINCT
    build,
    funnel,
    funnel_version,
    product
FROM stage_rules
WHERE has({growing:Array(String)}, build) = {these:Bool};
