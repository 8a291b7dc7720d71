-- The hits that the candidates are: first copies only, each with its person. An anonymous event is
-- of the device's owner.
INSERT INTO ${into}
SELECT
    builds.funnel AS funnel,
    builds.funnel_version AS funnel_version,
    candidates.build AS build,
    multiIf(
        owners.person_id != '', owners.person_id,
        actors.person_id != '', actors.person_id,
        candidates.actor
    ) AS person_id,
    candidates.known OR owners.person_id != '' AS known,
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
    amount,
    {version:UInt64} AS changed_at,
    0 AS gone
FROM candidates
INNER JOIN builds ON candidates.build = builds.build
LEFT JOIN actors ON candidates.actor = actors.actor AND candidates.known = actors.known
ASOF LEFT JOIN owners
    ON if(candidates.known, '', candidates.actor) = owners.anonymous_id
    AND candidates.event_time <= owners.until
WHERE (source, event_id, arrival) NOT IN (SELECT source, event_id, arrival FROM copies)
    AND ({everybody:Bool} OR (person_id, known) IN (SELECT person_id, known FROM touched_people))
SETTINGS min_insert_block_size_bytes = 134217728;
