-- coverage_between: one row an event that the plan expects at a place: whether it is there, missing or
-- broken, and why. Parameters: run ('' for events of no run), since, until (wall clocks of the report
-- timezone). `unreleased`: the place has no event of the release from which it is expected.
-- broken is what has more than 1 % of rejected events (in a run any), a property expected that fewer
-- than 99 % of the events bear, a silent variant (see `coverage_by_variant_between`), or a step of
-- the order that comes before the one before it on most devices with both; and beside runs, an hour
-- of service without the event where the plan wants one in each, or in a whole day or more fewer than
-- at_least a day. `instead` is the unplanned name that most devices sent at the place of a missing
-- event, of names like it.
-- Duplicates: copies of an event count as its first copy. Late events count where received.
CREATE OR REPLACE VIEW coverage_between AS
WITH
    {since:DateTime64(3, '${timezone}')} AS first,
    {until:DateTime64(3, '${timezone}')} AS last,
    dateDiff('second', first, last) AS seconds,
    here AS
    (
        SELECT *
        FROM placed_between(run = {run:String}, since = {since:DateTime64(3, '${timezone}')}, until = {until:DateTime64(3, '${timezone}')})
    ),
    sent AS
    (
        SELECT
            coverage,
            event_name AS event,
            countIf(reason = '') AS events,
            countIf(reason != '') AS rejected,
            uniqExactIf(device, reason = '') AS devices,
            min(received_at) AS first_seen,
            max(received_at) AS last_seen,
            sumMap(filled, arrayMap(name -> toUInt64(1), filled)) AS fills,
            groupUniqArrayIf(toStartOfHour(toDateTime(received_at, '${timezone}')), reason = '') AS hours,
            groupUniqArrayIf(release, reason = '') AS releases,
            argMaxIf(reason, arrival, reason != '') AS last_reason,
            argMaxIf(path, arrival, reason != '') AS last_path
        FROM here
        GROUP BY
            coverage,
            event_name
    ),
    came AS
    (
        SELECT
            coverage,
            groupUniqArray(release) AS releases
        FROM here
        GROUP BY coverage
    ),
    firsts AS
    (
        SELECT
            here.coverage AS coverage,
            here.device AS device,
            here.event_name AS event,
            expectations.step AS step,
            min(here.event_time) AS first_time
        FROM here
        INNER JOIN expectations ON here.coverage = expectations.coverage AND here.event_name = expectations.event
        WHERE here.reason = '' AND expectations.step > 0
        GROUP BY ALL
    ),
    ordered AS
    (
        SELECT
            after.coverage AS coverage,
            after.event AS event,
            count() AS pairs,
            countIf(after.first_time < before.first_time) AS reversed
        FROM firsts AS after
        INNER JOIN firsts AS before
            ON after.coverage = before.coverage
            AND after.device = before.device
            AND after.step = before.step + 1
        GROUP BY
            coverage,
            event
    ),
    silent AS
    (
        SELECT
            coverage,
            position,
            groupArrayIf(variant, status = 'silent') AS variants
        FROM coverage_by_variant_between(run = {run:String}, since = {since:DateTime64(3, '${timezone}')}, until = {until:DateTime64(3, '${timezone}')})
        GROUP BY
            coverage,
            position
    ),
    unplanned AS
    (
        SELECT
            here.coverage AS coverage,
            here.event_name AS name,
            uniqExact(here.device) AS devices
        FROM here
        WHERE here.event_name NOT IN (SELECT event FROM planned_events)
        GROUP BY
            here.coverage,
            here.event_name
    ),
    unknown AS
    (
        SELECT
            coverage,
            groupArray((name, devices)) AS names
        FROM unplanned
        GROUP BY coverage
    ),
    release -> arrayMap(
        part -> toUInt64OrZero(part),
        splitByChar('.', replaceRegexpAll(release, '^v|[-+].*', ''))
    ) AS numbers,
    name -> lower(replaceRegexpAll(name, '[^a-zA-Z0-9]', '')) AS letters,
    arrayMap(
        number -> toStartOfHour(toDateTime(first, '${timezone}')) + toIntervalHour(number),
        range(toUInt32(least(greatest(intDiv(seconds, 3600), 0), 10000)) + 1)
    ) AS all_hours
SELECT
    expectations.coverage AS coverage,
    expectations.title AS title,
    expectations.title_ko AS title_ko,
    expectations.position AS position,
    expectations.event AS event,
    from_release = '' OR arrayExists(one -> numbers(one) >= numbers(from_release), came.releases) AS released,
    sent.events AS events,
    sent.rejected AS rejected,
    sent.devices AS devices,
    if(events + rejected = 0, NULL, sent.first_seen) AS first_seen,
    if(events + rejected = 0, NULL, sent.last_seen) AS last_seen,
    sent.releases AS releases,
    expectations.properties AS properties,
    arrayFilter(
        name -> events > 0 AND sent.fills.2[indexOf(sent.fills.1, name)] < 0.99 * events,
        expectations.properties
    ) AS missing_properties,
    silent.variants AS silent_variants,
    if(
        heartbeat AND {run:String} = '' AND events > 0,
        arrayFilter(
            hour -> hour >= first
                AND hour + INTERVAL 1 HOUR <= last
                AND toHour(hour, '${timezone}') >= opens
                AND toHour(hour, '${timezone}') < closes
                AND NOT has(sent.hours, hour),
            all_hours
        ),
        []
    ) AS silent_hours,
    if({run:String} = '' AND seconds >= 86400, toUInt64(ceil(at_least * seconds / 86400)), 0) AS wanted_events,
    ordered.pairs > 0 AND ordered.reversed > 0.5 * ordered.pairs AS out_of_order,
    if(
        events + rejected = 0,
        arrayReverseSort(
            pair -> pair.2,
            arrayFilter(
                pair -> position(letters(pair.1), letters(expectations.event)) > 0
                    OR position(letters(expectations.event), letters(pair.1)) > 0
                    OR damerauLevenshteinDistance(
                        substring(letters(pair.1), 1, 100),
                        letters(expectations.event)
                    ) <= length(letters(expectations.event)) / 2,
                unknown.names
            )
        )[1].1,
        ''
    ) AS instead,
    multiIf(
        NOT released, 'unreleased',
        events + rejected = 0, 'missing',
        rejected > if({run:String} = '', 0.01 * (events + rejected), 0)
            OR notEmpty(missing_properties)
            OR notEmpty(silent_variants)
            OR notEmpty(silent_hours)
            OR events < wanted_events
            OR out_of_order,
        'broken',
        'there'
    ) AS status,
    multiIf(
        status = 'unreleased',
        format('no event of release {0} or later came from there', from_release),
        status = 'missing' AND instead != '',
        format('no such event came; {0} came instead and is not in the plan', instead),
        status = 'missing',
        'no such event came',
        status = 'there',
        '',
        arrayStringConcat(
            arrayFilter(
                part -> part != '',
                [
                    if(
                        rejected > if({run:String} = '', 0.01 * (events + rejected), 0),
                        format('{0} of {1} are rejected, the last for {2} at {3}', toString(rejected), toString(events + rejected), last_reason, last_path),
                        ''
                    ),
                    if(notEmpty(missing_properties), concat('without ', arrayStringConcat(missing_properties, ', ')), ''),
                    if(notEmpty(silent_variants), concat('silent in variant ', arrayStringConcat(silent_variants, ', ')), ''),
                    if(notEmpty(silent_hours), format('{0} hours of service without one', toString(length(silent_hours))), ''),
                    if(events < wanted_events, format('{0} came, at least {1} should', toString(events), toString(wanted_events)), ''),
                    if(out_of_order, 'it comes before the step before it', '')
                ]
            ),
            '; '
        )
    ) AS why
FROM expectations
LEFT JOIN sent ON expectations.coverage = sent.coverage AND expectations.event = sent.event
LEFT JOIN came ON expectations.coverage = came.coverage
LEFT JOIN ordered ON expectations.coverage = ordered.coverage AND expectations.event = ordered.event
LEFT JOIN silent ON expectations.coverage = silent.coverage AND expectations.position = silent.position
LEFT JOIN unknown ON expectations.coverage = unknown.coverage
ORDER BY
    coverage,
    position;
