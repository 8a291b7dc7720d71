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
    sent AS
    (
        SELECT
            coverage,
            event_name,
            countIf(reason = '') AS events,
            countIf(reason != '') AS rejected,
            uniqExactIf(device, reason = '') AS devices,
            uniqExact(device) AS all_devices,
            min(received_at) AS first_seen,
            max(received_at) AS last_seen,
            sumMap(filled, arrayMap(name -> toUInt64(1), filled)) AS fills,
            groupUniqArrayIf(toStartOfHour(toDateTime(received_at, '${timezone}')), reason = '') AS hours,
            groupUniqArray(release) AS releases,
            argMaxIf(reason, arrival, reason != '') AS last_reason,
            argMaxIf(path, arrival, reason != '') AS last_path
        FROM placed_between(run = {run:String}, since = {since:DateTime64(3, '${timezone}')}, until = {until:DateTime64(3, '${timezone}')})
        GROUP BY
            coverage,
            event_name
    ),
    places AS
    (
        SELECT
            coverage,
            groupUniqArrayArray(releases) AS all_releases,
            groupArrayIf(
                (event_name, all_devices),
                event_name NOT IN (SELECT event FROM planned_events)
            ) AS unknown,
            groupArray((
                event_name,
                events,
                rejected,
                devices,
                first_seen,
                last_seen,
                fills,
                hours,
                releases,
                last_reason,
                last_path
            )) AS sent_events
        FROM sent
        GROUP BY coverage
    ),
    ways AS
    (
        SELECT
            coverage,
            device,
            arraySort(groupArray((step, first_time))) AS steps
        FROM
        (
            SELECT
                placed.coverage AS coverage,
                placed.device AS device,
                expectations.step AS step,
                min(placed.event_time) AS first_time
            FROM placed_between(run = {run:String}, since = {since:DateTime64(3, '${timezone}')}, until = {until:DateTime64(3, '${timezone}')}) AS placed
            INNER JOIN expectations
                ON placed.coverage = expectations.coverage
                AND placed.event_name = expectations.event
            WHERE placed.reason = '' AND expectations.step > 0
            GROUP BY
                coverage,
                device,
                step
        )
        GROUP BY
            coverage,
            device
    ),
    ordered AS
    (
        SELECT
            coverage,
            pair.2.1 AS step,
            count() AS pairs,
            countIf(pair.2.2 < pair.1.2) AS reversed
        FROM ways
        ARRAY JOIN arrayFilter(
            pair -> pair.2.1 = pair.1.1 + 1,
            arrayZip(arrayPopBack(steps), arrayPopFront(steps))
        ) AS pair
        GROUP BY
            coverage,
            step
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
    release -> arrayMap(
        part -> toUInt64OrZero(part),
        splitByChar('.', replaceRegexpAll(release, '^v|[-+].*', ''))
    ) AS numbers,
    name -> lower(replaceRegexpAll(name, '[^a-zA-Z0-9]', '')) AS letters,
    arrayMap(
        number -> toStartOfHour(toDateTime(first, '${timezone}')) + toIntervalHour(number),
        range(toUInt32(least(greatest(intDiv(seconds, 3600), 0), 10000)) + 1)
    ) AS all_hours
SELECT * EXCEPT own
FROM
(
    SELECT
        expectations.coverage AS coverage,
        expectations.title AS title,
        expectations.title_ko AS title_ko,
        expectations.position AS position,
        expectations.event AS event,
        from_release = '' OR arrayExists(one -> numbers(one) >= numbers(from_release), places.all_releases) AS released,
        arrayFirst(one -> one.1 = expectations.event, places.sent_events) AS own,
        own.2 AS events,
        own.3 AS rejected,
        own.4 AS devices,
        if(events + rejected = 0, NULL, own.5) AS first_seen,
        if(events + rejected = 0, NULL, own.6) AS last_seen,
        own.9 AS releases,
        expectations.properties AS properties,
        arrayFilter(
            name -> events > 0 AND own.7.2[indexOf(own.7.1, name)] < 0.99 * events,
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
                    AND NOT has(own.8, hour),
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
                    places.unknown
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
                            format('{0} of {1} are rejected, the last for {2} at {3}', toString(rejected), toString(events + rejected), own.10, own.11),
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
    LEFT JOIN places ON expectations.coverage = places.coverage
    LEFT JOIN ordered ON expectations.coverage = ordered.coverage AND expectations.step = ordered.step
    LEFT JOIN silent ON expectations.coverage = silent.coverage AND expectations.position = silent.position
)
ORDER BY
    coverage,
    position;
