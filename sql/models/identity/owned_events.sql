-- owned_events: one row a copy of an event of `events` with the person that it belongs to, whether a
-- user stood in it (logged_in), and what of the person is recomputed. Copies that lose to an earlier
-- one are left out.
-- Reads: identity_map, duplicate_arrivals.
-- Writes: nothing: it stands within other models.
-- Key: source, event_id, arrival.
SELECT
    event.* EXCEPT (known),
    event.known AS logged_in,
    identity.known AS known,
    identity.* EXCEPT (id, id_known, until, is_former, known)
FROM
(
    ${events}
) AS event
ASOF INNER JOIN
(
    SELECT *
    FROM identity_map
    WHERE NOT is_former
) AS identity
ON event.actor = identity.id
    AND event.known = identity.id_known
    AND event.event_time <= identity.until
WHERE (source, event_id, arrival) NOT IN (
    SELECT
        source,
        event_id,
        arrival
    FROM duplicate_arrivals
    WHERE event_id IN (
        SELECT event_id
        FROM
        (
            ${events}
        )
    )
)
