-- conversion_touchpoints: one row a conversion and a session that came before it, with the weight
-- of that session under each model and its share of the conversion's amount.
-- Parameters: funnel, stage (a step or the measure `revenue`), first_day and last_day of the
-- conversions, lookback_days, half_life_days (of time decay).
-- A conversion is an entry of `stage_entries` under the version in force on its day. Its touches are
-- the sessions of its person that began within the lookback before it, bots left out, numbered in
-- order of time; a conversion without any has one row without session, of channel `unknown`.
-- Models: first touch; last touch; last non-direct (the last where all are direct); linear; position
-- based (40 % first, 40 % last, 20 % between; halves for two); time decay (halved each half-life
-- between the session's begin and the conversion); markov, where `funnelhouse attribution markov`
-- computed it for the funnel and stage: by the removal effects of the touches' channels in
-- `removal_effects`, of the latest period that was over by last_day (evenly where no touch has any).
-- Weights of a conversion add up to 1. Amounts are shared in whole units of money by largest
-- remainder, the earlier touch first where equal.
-- Duplicates and late events: as in `stage_entries` and `sessions`.
CREATE OR REPLACE VIEW conversion_touchpoints AS
WITH
    conversions AS
    (
        SELECT
            person_id,
            known,
            source,
            event_id,
            track,
            cohort,
            entered_at AS converted_at,
            toInt64(ifNull(amount, 0)) AS amount
        FROM stage_entries
        INNER JOIN funnels ON stage_entries.build = funnels.build
        WHERE stage_entries.funnel = {funnel:String}
            AND stage = {stage:String}
            AND toDate(entered_at, '${timezone}') BETWEEN {first_day:Date} AND {last_day:Date}
            AND toDate(entered_at, '${timezone}') BETWEEN valid_from AND valid_until
    ),
    visits AS
    (
        SELECT
            person_id,
            known,
            session_id,
            started_at,
            channel,
            utm_campaign,
            entry_path,
            ctas_clicked,
            sections_seen
        FROM sessions
        WHERE NOT is_bot
            AND started_at >= toDateTime64({first_day:Date}, 6, '${timezone}') - toIntervalDay({lookback_days:UInt16})
            AND started_at < toDateTime64({last_day:Date} + 1, 6, '${timezone}')
            AND (person_id, known) IN (SELECT person_id, known FROM conversions)
    ),
    journeys AS
    (
        SELECT
            conversions.person_id AS person_id,
            conversions.known AS known,
            source,
            event_id,
            any(conversions.track) AS track,
            any(conversions.cohort) AS cohort,
            any(conversions.converted_at) AS converted_at,
            any(conversions.amount) AS amount,
            arraySort(
                groupArrayIf(
                    (started_at, session_id, channel, utm_campaign, entry_path, ctas_clicked, sections_seen),
                    session_id != ''
                        AND started_at <= conversions.converted_at
                        AND started_at >= conversions.converted_at - toIntervalDay({lookback_days:UInt16})
                )
            ) AS found
        FROM conversions
        LEFT JOIN visits ON conversions.person_id = visits.person_id AND conversions.known = visits.known
        GROUP BY
            person_id,
            known,
            source,
            event_id
    ),
    removals AS
    (
        SELECT *
        FROM removal_effects
        WHERE funnel = {funnel:String}
            AND stage = {stage:String}
            AND last_day <= {last_day:Date}
        ORDER BY
            last_day DESC,
            computed_at DESC
        LIMIT 1 WITH TIES
    ),
    weighed AS
    (
        SELECT
            * EXCEPT found,
            if(
                empty(found),
                [(converted_at, '', 'unknown', '', '', [], [])],
                found
            ) AS touches,
            length(touches) AS touch_count,
            arrayMap(
                touch -> exp2(-dateDiff('microsecond', touch.1, converted_at) / 86400e6 / {half_life_days:Float64}),
                touches
            ) AS decay,
            ifNull(
                nullIf(arrayLastIndex(touch -> touch.3 != 'direct', touches), 0),
                touch_count
            ) AS non_direct,
            arrayMap(
                touch -> transform(
                    toString(touch.3),
                    (SELECT groupArray(channel) FROM removals),
                    (SELECT groupArray(removal_effect) FROM removals),
                    0.
                ),
                touches
            ) AS effects,
            arrayConcat(
                [
                    ('first_touch', arrayMap(n -> toFloat64(n = 1), arrayEnumerate(touches))),
                    ('last_touch', arrayMap(n -> toFloat64(n = touch_count), arrayEnumerate(touches))),
                    ('last_non_direct', arrayMap(n -> toFloat64(n = non_direct), arrayEnumerate(touches))),
                    ('linear', arrayMap(n -> 1 / touch_count, arrayEnumerate(touches))),
                    (
                        'position_based',
                        arrayMap(
                            n -> multiIf(
                                touch_count = 1, 1,
                                touch_count = 2, 0.5,
                                n IN (1, touch_count), 0.4,
                                0.2 / (touch_count - 2)
                            ),
                            arrayEnumerate(touches)
                        )
                    ),
                    ('time_decay', arrayMap(part -> part / arraySum(decay), decay))
                ],
                if(
                    (SELECT count() FROM removals) = 0,
                    [],
                    [
                        (
                            'markov',
                            if(
                                arraySum(effects) > 0,
                                arrayMap(effect -> effect / arraySum(effects), effects),
                                arrayMap(_ -> 1 / touch_count, touches)
                            )
                        )
                    ]
                )
            ) AS models
        FROM journeys
    ),
    shared AS
    (
        SELECT
            * EXCEPT (models, decay, non_direct, effects),
            arrayJoin(models) AS model,
            model.2 AS weights,
            arrayMap(weight -> amount * weight, weights) AS exact,
            arrayMap(share -> toInt64(floor(share)), exact) AS whole,
            arrayMap(
                place -> place.2,
                arraySort(
                    arrayMap(
                        (share, units, n) -> (-(share - units), n),
                        exact,
                        whole,
                        arrayEnumerate(exact)
                    )
                )
            ) AS by_remainder,
            arraySlice(by_remainder, 1, amount - arraySum(whole)) AS rounded_up
        FROM weighed
    )
SELECT
    person_id,
    known,
    source,
    event_id,
    track,
    cohort,
    converted_at,
    amount,
    model.1 AS model,
    touch_count,
    position,
    touch.2 AS session_id,
    touch.1 AS started_at,
    touch.3 AS channel,
    touch.4 AS campaign,
    touch.5 AS page,
    touch.6 AS ctas,
    touch.7 AS sections,
    weights[position] AS weight,
    whole[position] + has(rounded_up, position) AS amount_share
FROM shared
ARRAY JOIN
    touches AS touch,
    arrayEnumerate(touches) AS position;
