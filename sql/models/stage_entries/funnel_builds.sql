-- funnel_builds: one row a compiled version of a funnel that is refreshed: all, or those named.
-- Reads: stage_rules.
-- Writes: nothing: it stands within other models.
-- Key: build.
SELECT DISTINCT
    build,
    funnel,
    funnel_version,
    product
FROM stage_rules
WHERE empty({builds:Array(String)}) OR has({builds:Array(String)}, build)
