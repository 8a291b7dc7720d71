-- The entries that these events make, by the rules of `stage_entries`. A person's events stand in
-- one array in order of time, and all that is told of an entry is read from it.
INSERT INTO ${into}
WITH
    (one, entry) -> (one.track = entry.track OR one.track = '' OR entry.track = '')
        AND (one.cohort = entry.cohort OR one.cohort = '' OR entry.cohort = '') AS together,
    (one, entry) -> (one.track != entry.track OR one.cohort != entry.cohort)
        AND (one.track = entry.track OR entry.track = '')
        AND (one.cohort = entry.cohort OR entry.cohort = '') AS tells_more,
    histories AS
    (
        SELECT
            funnel,
            funnel_version,
            build,
            person_id,
            known,
            arraySort(
                groupArray(
                    tuple(
                        event_time,
                        source,
                        event_id,
                        stage_position,
                        stage,
                        kind,
                        track,
                        cohort,
                        multiIf(
                            reenter = 'daily', toString(toDate(event_time, '${timezone}')),
                            reenter = 'always', concat(source, ' ', toString(event_id)),
                            ''
                        ) AS turn,
                        segment,
                        card_holder,
                        channel,
                        detail,
                        cluster,
                        amount
                    )
                )
            ) AS events
        FROM hits
        GROUP BY
            funnel,
            funnel_version,
            build,
            person_id,
            known
        HAVING countIf(kind = 'excluded') = 0
    ),
    journeys AS
    (
        SELECT
            build,
            person_id,
            known,
            arrayMap(
                (event, segment, card_holder, channel) -> tuple(
                    event.event_time AS entered_at,
                    event.source AS source,
                    event.event_id AS event_id,
                    event.stage_position AS stage_position,
                    event.stage AS stage,
                    event.kind AS kind,
                    event.track AS track,
                    event.cohort AS cohort,
                    segment,
                    card_holder,
                    channel,
                    event.detail AS detail,
                    event.cluster AS cluster,
                    event.amount AS amount
                ),
                events,
                arrayFill(value -> value != '', events.segment),
                arrayFill(value -> value != '', events.card_holder),
                arrayFill(value -> value != '', events.channel)
            ) AS carried,
            arrayFilter(
                (one, nth) -> nth = 1,
                carried,
                arrayEnumerateUniq(
                    events.stage_position,
                    events.stage,
                    events.track,
                    events.cohort,
                    events.turn
                )
            ) AS firsts,
            arrayFilter(
                (one, nth) -> nth = 1 AND one.kind != 'measure',
                firsts,
                arrayEnumerateUniq(firsts.stage_position, firsts.stage, firsts.track, firsts.cohort)
            ) AS moves,
            arrayFilter(one -> one.kind = 'step' AND one.stage_position = 1, moves) AS beginnings,
            arrayMap(
                entry -> if(
                    entry.kind = 'measure',
                    0,
                    arrayFirstIndex(one -> together(one, entry), beginnings)
                ),
                firsts
            ) AS starts
        FROM histories
    ),
    told AS
    (
        SELECT
            build,
            person_id,
            known,
            entry,
            beginnings[start] AS began,
            start > 0 AS has_start,
            has_start AND nth_of_start = 1 AS first_of_start,
            nth > 1 AS repeated,
            arraySort(
                arrayFilter(
                    one -> entry.kind = 'step'
                        AND (
                            one.kind != 'step'
                            OR one.stage_position > entry.stage_position
                            OR one.stage_position = entry.stage_position AND tells_more(one, entry)
                        )
                        AND together(one, entry),
                    moves
                ).entered_at
            ) AS following,
            arraySort(
                one -> one.stage_position,
                arrayFilter(
                    one -> entry.kind NOT IN ('step', 'measure')
                        AND one.kind = 'step'
                        AND one.entered_at <= entry.entered_at
                        AND together(one, entry),
                    moves
                )
            ).stage AS passed
        FROM journeys
        ARRAY JOIN
            firsts AS entry,
            starts AS start,
            arrayEnumerateUniq(firsts.stage, starts) AS nth_of_start,
            arrayEnumerateUniq(firsts.stage_position, firsts.stage, firsts.track, firsts.cohort) AS nth
    )
SELECT
    builds.funnel AS funnel,
    builds.funnel_version AS funnel_version,
    told.build AS build,
    builds.product AS product,
    person_id,
    known,
    entry.stage_position AS stage_position,
    entry.stage AS stage,
    entry.track AS track,
    entry.cohort AS cohort,
    entry.source AS source,
    entry.event_id AS event_id,
    entry.kind AS kind,
    entry.entered_at AS entered_at,
    entry.segment AS segment,
    entry.card_holder AS card_holder,
    entry.channel AS channel,
    entry.detail AS detail,
    entry.cluster AS cluster,
    entry.amount AS amount,
    if(has_start, began.entered_at, NULL) AS started_at,
    began.track AS start_track,
    began.cohort AS start_cohort,
    began.segment AS start_segment,
    began.card_holder AS start_card_holder,
    began.channel AS start_channel,
    first_of_start,
    if(empty(following), NULL, following[1]) AS left_at,
    if(empty(passed), '', passed[-1]) AS left_stage,
    repeated,
    {version:UInt64} AS changed_at,
    0 AS gone
FROM told
INNER JOIN builds ON told.build = builds.build
SETTINGS
    enable_named_columns_in_function_tuple = 1,
    min_insert_block_size_bytes = 134217728;
