-- The events of these ids that no server sent, anonymous ones given to the device's owner.
INSERT INTO visits
SELECT
    if(owners.person_id != '', owners.person_id, actors.person_id) AS person_id,
    actors.known OR owners.person_id != '' AS known,
    actors.known AS logged_in,
    source,
    event_id,
    arrival,
    event_time,
    session_id,
    event_name,
    is_bot,
    page_host,
    page_path,
    channel,
    utm_source,
    utm_medium,
    utm_campaign,
    referrer_host,
    device_class,
    detail,
    number
FROM
(
    SELECT *
    FROM session_events FINAL
    WHERE (actor, known) IN (SELECT actor, known FROM actors)
) AS seen
INNER JOIN actors ON seen.actor = actors.actor AND seen.known = actors.known
ASOF LEFT JOIN owners
    ON if(seen.known, '', seen.actor) = owners.anonymous_id
    AND seen.event_time <= owners.until
WHERE (person_id, known) IN (SELECT person_id, known FROM touched_people);
