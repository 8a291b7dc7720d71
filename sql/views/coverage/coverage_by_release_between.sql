-- coverage_by_release_between: one row an event that the plan expects at a place, and a release that
-- was seen there: events of it, devices, those of the whole place, rejected ones, and the properties
-- missing. Parameters: run ('' for events of no run), since, until (wall clocks of the report
-- timezone). `devices_share` divides the devices with the event by the place's of that release:
-- compare it with the release before. missing_properties are those expected that fewer than 99 % of
-- the events bear; `wanted` is false for releases before the one that the plan names.
-- Duplicates: copies of an event count as its first copy. Late events count where received.
CREATE OR REPLACE VIEW coverage_by_release_between AS
WITH
    here AS
    (
        SELECT *
        FROM placed_between(run = {run:String}, since = {since:DateTime64(3, '${timezone}')}, until = {until:DateTime64(3, '${timezone}')})
    ),
    released AS
    (
        SELECT
            coverage,
            release,
            uniqExactIf(device, reason = '') AS place_devices,
            countIf(reason = '') AS place_events,
            min(received_at) AS released_at
        FROM here
        GROUP BY
            coverage,
            release
    ),
    sent AS
    (
        SELECT
            coverage,
            release,
            event_name AS event,
            countIf(reason = '') AS events,
            countIf(reason != '') AS rejected,
            uniqExactIf(device, reason = '') AS devices,
            sumMap(filled, arrayMap(name -> toUInt64(1), filled)) AS fills
        FROM here
        GROUP BY
            coverage,
            release,
            event_name
    ),
    release -> arrayMap(
        part -> toUInt64OrZero(part),
        splitByChar('.', replaceRegexpAll(release, '^v|[-+].*', ''))
    ) AS numbers
SELECT
    expectations.coverage AS coverage,
    position,
    expectations.event AS event,
    released.release AS release,
    released.released_at AS released_at,
    from_release = '' OR released.release = '' OR numbers(released.release) >= numbers(from_release) AS wanted,
    sent.events AS events,
    sent.rejected AS rejected,
    sent.devices AS devices,
    released.place_devices AS place_devices,
    released.place_events AS place_events,
    if(place_devices = 0, NULL, devices / place_devices) AS devices_share,
    if(place_events = 0, NULL, events / place_events) AS events_share,
    arrayFilter(
        name -> events > 0 AND sent.fills.2[indexOf(sent.fills.1, name)] < 0.99 * events,
        expectations.properties
    ) AS missing_properties
FROM expectations
INNER JOIN released ON expectations.coverage = released.coverage
LEFT JOIN sent
    ON expectations.coverage = sent.coverage
    AND expectations.event = sent.event
    AND released.release = sent.release
ORDER BY
    coverage,
    position,
    released_at;
