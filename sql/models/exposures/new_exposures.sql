-- experiment_exposures_raw: one row an event that showed a person a variant.
-- Reads: exposure_events, identity_map, duplicate_arrivals.
-- Swaps into: experiment_exposures_raw.
-- Key: experiment, person_id, known, source, event_id.
SELECT
    experiment,
    person_id,
    known,
    source,
    event_id,
    arrival,
    event_time,
    variant,
    device,
    session_id
FROM
(
    ${owned_affected_exposure_events}
)
WHERE refreshes_exposures
LIMIT 1 BY
    source,
    event_id,
    arrival
