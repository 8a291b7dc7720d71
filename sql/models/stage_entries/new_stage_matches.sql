-- stage_hits_raw: one row a match of a stage rule with the person whose event it is: of the affected
-- people, as it is now. Whom a funnel leaves out has none.
-- Reads: stage_events, stage_rules, identity_map, duplicate_arrivals.
-- Swaps into: stage_hits_raw.
-- Key: funnel, funnel_version, build, person_id, known, event_time, stage_position, stage, source, event_id.
SELECT
    builds.funnel AS funnel,
    builds.funnel_version AS funnel_version,
    builds.build AS build,
    person_id,
    known,
    event_time,
    stage_position,
    stage,
    source,
    event_id,
    kind,
    reenter,
    session_id,
    track,
    cohort,
    segment,
    card_holder,
    channel,
    detail,
    cluster,
    amount
FROM
(
    ${owned_affected_stage_events}
) AS matches
INNER JOIN
(
    ${funnel_builds}
) AS builds
ON matches.build = builds.build
WHERE refreshes_stages
    AND (matches.build, person_id, known) NOT IN (
        SELECT
            build,
            person_id,
            known
        FROM
        (
            ${owned_excluding_stage_events}
        )
    )
LIMIT 1 BY
    build,
    stage_position,
    stage,
    source,
    event_id,
    arrival
