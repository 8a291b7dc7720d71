-- The entries that these events make, by the rules of `stage_entries`.
INSERT INTO entries
WITH
    (one, track, cohort) -> (one.track = track OR one.track = '' OR track = '')
        AND (one.cohort = cohort OR one.cohort = '' OR cohort = '') AS together,
    (one, track, cohort) -> (one.track != track OR one.cohort != cohort)
        AND (one.track = track OR track = '')
        AND (one.cohort = cohort OR cohort = '') AS tells_more,
    carried AS
    (
        SELECT
            *,
            anyLast(nullIf(toString(segment), '')) OVER earlier AS known_segment,
            anyLast(nullIf(toString(card_holder), '')) OVER earlier AS known_card_holder,
            anyLast(nullIf(toString(channel), '')) OVER earlier AS known_channel,
            countIf(kind = 'excluded') OVER (PARTITION BY build, person_id, known) > 0 AS left_out
        FROM hits
        WINDOW earlier AS (
            PARTITION BY build, person_id, known
            ORDER BY event_time ASC, source ASC, event_id ASC
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        )
    ),
    firsts AS
    (
        SELECT
            * EXCEPT (event_time, segment, card_holder, channel),
            event_time AS entered_at,
            ifNull(known_segment, '') AS segment,
            ifNull(known_card_holder, '') AS card_holder,
            ifNull(known_channel, '') AS channel
        FROM carried
        WHERE NOT left_out
        ORDER BY
            event_time ASC,
            source ASC,
            event_id ASC
        LIMIT 1 BY
            build,
            person_id,
            known,
            stage_position,
            stage,
            track,
            cohort,
            multiIf(
                reenter = 'daily', toString(toDate(entered_at, '${timezone}')),
                reenter = 'always', concat(source, ' ', toString(event_id)),
                ''
            )
    ),
    placed AS
    (
        SELECT
            *,
            groupArrayIf(
                CAST(
                    (entered_at, track, cohort, segment, card_holder, channel, stage_position, stage, kind),
                    'Tuple(
                        entered_at DateTime64(6, \'UTC\'),
                        track String,
                        cohort String,
                        segment String,
                        card_holder String,
                        channel String,
                        stage_position UInt16,
                        stage String,
                        kind String
                    )'
                ),
                kind != 'measure'
            ) OVER (PARTITION BY build, person_id, known) AS journey
        FROM firsts
    ),
    bounded AS
    (
        SELECT
            * EXCEPT journey,
            if(kind = 'measure', [], arrayFilter(one -> together(one, track, cohort), journey)) AS mine,
            arraySort(arrayFilter(one -> one.kind = 'step' AND one.stage_position = 1, mine))[1] AS start,
            arrayExists(one -> one.kind = 'step' AND one.stage_position = 1, mine) AS has_start,
            arraySort(
                arrayFilter(
                    one -> kind = 'step'
                        AND (
                            one.kind != 'step'
                            OR one.stage_position > placed.stage_position
                            OR one.stage_position = placed.stage_position AND tells_more(one, track, cohort)
                        ),
                    mine
                )
            ) AS following,
            arraySort(
                one -> one.stage_position,
                arrayFilter(
                    one -> kind != 'step' AND one.kind = 'step' AND one.entered_at <= placed.entered_at,
                    mine
                )
            ) AS steps_before
        FROM placed
    )
SELECT
    builds.funnel AS funnel,
    builds.funnel_version AS funnel_version,
    bounded.build AS build,
    builds.product AS product,
    person_id,
    known,
    stage_position,
    stage,
    track,
    cohort,
    source,
    event_id,
    kind,
    entered_at,
    segment,
    card_holder,
    channel,
    detail,
    amount,
    if(has_start, start.entered_at, NULL) AS started_at,
    start.track AS start_track,
    start.cohort AS start_cohort,
    start.segment AS start_segment,
    start.card_holder AS start_card_holder,
    start.channel AS start_channel,
    has_start AND row_number() OVER (
        PARTITION BY bounded.build, person_id, known, stage, start
        ORDER BY entered_at ASC, source ASC, event_id ASC, track ASC, cohort ASC
    ) = 1 AS first_of_start,
    if(empty(following), NULL, following[1].entered_at) AS left_at,
    if(empty(steps_before), '', steps_before[-1].stage) AS left_stage,
    row_number() OVER (
        PARTITION BY bounded.build, person_id, known, stage_position, stage, track, cohort
        ORDER BY entered_at ASC, source ASC, event_id ASC
    ) > 1 AS repeated,
    {version:UInt64} AS changed_at,
    0 AS gone
FROM bounded
INNER JOIN builds ON bounded.build = builds.build;
