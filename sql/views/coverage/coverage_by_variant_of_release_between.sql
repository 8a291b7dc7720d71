-- coverage_by_variant_of_release_between: one row an event that the plan expects in each variant of an
-- experiment, and a variant: how many devices were shown it, and from how many of them the event
-- came. Parameters: run ('' for events of no run), release
-- ('' for all), since, until (wall clocks of the report timezone).
-- A device's variant is the first that it was shown within the time. `silent`: none of its devices
-- sent the event though others' did, which happens by chance once in a thousand at most (in a run:
-- though others' did). `low`: a share below 80 % of the others', by chance once in ten thousand.
-- Duplicates: copies of an event count as its first copy. Late events count where received.
CREATE OR REPLACE VIEW coverage_by_variant_of_release_between AS
WITH
    seen AS
    (
        SELECT *
        FROM seen_between(run = {run:String}, since = {since:DateTime64(3, '${timezone}')}, until = {until:DateTime64(3, '${timezone}')})
        WHERE NOT is_bot AND {release:String} IN ('', seen_between.release)
    ),
    shown AS
    (
        SELECT
            experiment,
            device,
            argMin(variant, (event_time, arrival)) AS variant
        FROM seen
        WHERE event_name = 'experiment_viewed'
            AND (seen.experiment, seen.variant) IN (SELECT experiment, arrayJoin(variants) FROM expectations)
        GROUP BY
            experiment,
            device
    ),
    shown_to AS
    (
        SELECT
            experiment,
            variant,
            count() AS devices
        FROM shown
        GROUP BY
            experiment,
            variant
    ),
    wanted AS
    (
        SELECT
            coverage,
            position,
            event,
            pages,
            source,
            experiment,
            arrayJoin(variants) AS variant
        FROM expectations
        WHERE experiment != ''
    ),
    sent AS
    (
        SELECT
            wanted.coverage AS coverage,
            wanted.position AS position,
            wanted.variant AS variant,
            uniqExact(seen.device) AS devices
        FROM wanted
        INNER JOIN seen ON wanted.event = seen.event_name
        INNER JOIN shown
            ON wanted.experiment = shown.experiment
            AND wanted.variant = shown.variant
            AND seen.device = shown.device
        WHERE (wanted.source = '' OR wanted.source = seen.source)
            AND (
                empty(wanted.pages)
                OR arrayExists(page -> concat(seen.page_host, seen.page_path) LIKE page, wanted.pages)
            )
        GROUP BY ALL
    ),
    counted AS
    (
        SELECT
            wanted.coverage AS coverage,
            wanted.position AS position,
            wanted.event AS event,
            wanted.experiment AS experiment,
            wanted.variant AS variant,
            shown_to.devices AS devices,
            sent.devices AS devices_with_event,
            sum(shown_to.devices) OVER (PARTITION BY coverage, position) - shown_to.devices AS others,
            sum(sent.devices) OVER (PARTITION BY coverage, position) - sent.devices AS others_with_event
        FROM wanted
        LEFT JOIN shown_to
            ON wanted.experiment = shown_to.experiment
            AND wanted.variant = shown_to.variant
        LEFT JOIN sent
            ON wanted.coverage = sent.coverage
            AND wanted.position = sent.position
            AND wanted.variant = sent.variant
    )
SELECT
    coverage,
    position,
    event,
    experiment,
    variant,
    devices,
    devices_with_event,
    if(devices = 0, NULL, devices_with_event / devices) AS share,
    if(others = 0, NULL, others_with_event / others) AS share_of_others,
    (devices_with_event + others_with_event) / (devices + others) AS pooled,
    multiIf(
        devices = 0,
        'nobody shown',
        devices_with_event = 0
            AND others_with_event > 0
            AND ({run:String} != '' OR pow(1 - (others_with_event + 1) / (others + 2), devices) < 0.001),
        'silent',
        share < 0.8 * share_of_others
            AND pooled < 1
            AND (share_of_others - share) / sqrt(pooled * (1 - pooled) * (1 / devices + 1 / others)) > 3.72,
        'low',
        devices_with_event = 0,
        'not seen',
        'there'
    ) AS status
FROM counted
ORDER BY
    coverage,
    position,
    variant;
