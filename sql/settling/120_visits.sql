-- The visits that these events are: first copies only, anonymous ones given to the device's owner.
INSERT INTO visits
SELECT
    if(owners.person_id != '', owners.person_id, actors.person_id) AS person_id,
    actors.known OR owners.person_id != '' AS known,
    actors.known AS logged_in,
    source,
    event_id,
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
FROM seen
INNER JOIN actors ON seen.actor = actors.actor AND seen.known = actors.known
ASOF LEFT JOIN owners
    ON if(seen.known, '', seen.actor) = owners.anonymous_id
    AND seen.event_time <= owners.until
WHERE (source, event_id, arrival) NOT IN (SELECT source, event_id, arrival FROM copies)
    AND (person_id, known) IN (SELECT person_id, known FROM touched_people);
