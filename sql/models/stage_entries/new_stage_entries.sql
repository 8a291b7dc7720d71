-- stage_entries_raw: one row an entry of a person into a stage, or an event that a funnel measures: the
-- entries that the affected people's matches make, by the rules of `stage_entries`. A person's
-- events stand in one array in order of time, and all that is told of an entry is read from it. What
-- functions look at for each pair of them bears few columns: all are copied for each pair.
-- Reads: stage_hits_raw, stage_rules, identity_map.
-- Swaps into: stage_entries_raw.
-- Key: funnel, funnel_version, build, person_id, known, stage_position, stage, track, cohort, source, event_id.
WITH
    (one, track, cohort) -> (one.track = track OR one.track = '' OR track = '')
        AND (one.cohort = cohort OR one.cohort = '' OR cohort = '') AS together,
    (one, track, cohort) -> (one.track != track OR one.cohort != cohort)
        AND (one.track = track OR track = '')
        AND (one.cohort = cohort OR cohort = '') AS tells_more,
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
        FROM (${current_stage_matches})
        GROUP BY
            funnel,
            funnel_version,
            build,
            person_id,
            known
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
            arrayEnumerateUniq(firsts.stage_position, firsts.stage, firsts.track, firsts.cohort) AS nths,
            arrayFilter(
                (one, nth) -> nth = 1 AND one.kind != 'measure',
                arrayMap(
                    one -> tuple(
                        one.entered_at AS entered_at,
                        one.kind AS kind,
                        one.stage_position AS stage_position,
                        one.stage AS stage,
                        one.track AS track,
                        one.cohort AS cohort
                    ),
                    firsts
                ),
                nths
            ) AS moves,
            arrayMap(
                one -> tuple(
                    one.entered_at AS entered_at,
                    one.track AS track,
                    one.cohort AS cohort,
                    one.segment AS segment,
                    one.card_holder AS card_holder,
                    one.channel AS channel
                ),
                arrayFilter(
                    (one, nth) -> nth = 1 AND one.kind = 'step' AND one.stage_position = 1,
                    firsts,
                    nths
                )
            ) AS beginnings,
            arrayMap(one -> tuple(one.track AS track, one.cohort AS cohort), beginnings) AS begun,
            arrayMap(
                (kind, track, cohort) -> if(
                    kind = 'measure',
                    0,
                    arrayFirstIndex(one -> together(one, track, cohort), begun)
                ),
                firsts.kind,
                firsts.track,
                firsts.cohort
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
            entry.entered_at AS entered_at,
            entry.kind AS kind,
            entry.stage_position AS stage_position,
            entry.track AS track,
            entry.cohort AS cohort,
            beginnings[start] AS began,
            start > 0 AS has_start,
            has_start AND nth_of_start = 1 AS first_of_start,
            nth > 1 AS repeated,
            arrayFirstOrNull(
                (moved_at, one) -> kind = 'step'
                    AND (
                        one.kind != 'step'
                        OR one.stage_position > stage_position
                        OR one.stage_position = stage_position AND tells_more(one, track, cohort)
                    )
                    AND together(one, track, cohort),
                moves.entered_at,
                moves
            ) AS left_at,
            if(
                kind IN ('step', 'measure'),
                [],
                arraySort(
                    one -> one.stage_position,
                    arrayFilter(
                        one -> one.kind = 'step'
                            AND one.entered_at <= entered_at
                            AND together(one, track, cohort),
                        moves
                    )
                ).stage
            ) AS passed
        FROM journeys
        ARRAY JOIN
            firsts AS entry,
            starts AS start,
            arrayEnumerateUniq(firsts.stage, starts) AS nth_of_start,
            nths AS nth
    )
SELECT
    builds.funnel AS funnel,
    builds.funnel_version AS funnel_version,
    told.build AS build,
    person_id,
    known,
    stage_position,
    entry.stage AS stage,
    track,
    cohort,
    entry.source AS source,
    entry.event_id AS event_id,
    builds.product AS product,
    kind,
    entered_at,
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
    left_at,
    if(empty(passed), '', passed[-1]) AS left_stage,
    repeated
FROM told
INNER JOIN
(
    ${funnel_builds}
) AS builds
ON told.build = builds.build
