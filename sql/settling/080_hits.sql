-- What remains of the candidates: first copies only, anonymous ones given to the device's owner.
INSERT INTO hits
SELECT
    candidates.build AS build,
    if(owners.person_id != '', owners.person_id, candidates.person_id) AS person_id,
    candidates.known OR owners.person_id != '' AS known,
    stage_position,
    stage,
    kind,
    reenter,
    source,
    event_id,
    event_time,
    session_id,
    track,
    cohort,
    segment,
    card_holder,
    channel,
    detail,
    cluster,
    amount
FROM candidates
ASOF LEFT JOIN owners
    ON if(candidates.known, '', candidates.person_id) = owners.anonymous_id
    AND candidates.event_time <= owners.until
WHERE (source, event_id, arrival) NOT IN (
        SELECT
            source,
            event_id,
            arrival
        FROM duplicate_arrivals
        WHERE (source, event_id) IN (SELECT source, event_id FROM candidates)
    )
    AND (person_id, known) IN (SELECT person_id, known FROM touched_people);
