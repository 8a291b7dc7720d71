-- message_unsent: one row a message campaign and hour in which it was sent: the residents of the
-- audience who got no message of that campaign, and how many of them reached the goal all the same.
-- Parameters: those of `message_outcomes`, by whose rules they stood there and reached the goal; the
-- moment is the first message of the campaign in that hour. They count once in a track and intake.
-- How: stays, and the times from which a goal was within_days away at most, are spans; a span adds one
-- when it begins and takes it away when it ends, and what has added up by a moment stood then. Spans
-- of people who got the campaign count the other way under its name.
-- Columns: campaign, send_hour, unsent, unsent_reached.
-- Duplicates and late events: as in `stage_entries`.
CREATE OR REPLACE VIEW message_unsent AS
WITH
    toDateTime64({first_day:Date}, 6, '${timezone}') AS begin,
    hours AS
    (
        SELECT
            stage_entries.build AS build,
            detail AS campaign,
            toStartOfHour(entered_at, '${timezone}') AS send_hour,
            min(entered_at) AS moment
        FROM stage_entries
        INNER JOIN funnels ON stage_entries.build = funnels.build
        WHERE stage_entries.funnel = {funnel:String}
            AND stage = 'message_sent'
            AND toDate(entered_at, '${timezone}') BETWEEN {first_day:Date} AND {last_day:Date}
            AND toDate(entered_at, '${timezone}') BETWEEN valid_from AND valid_until
        GROUP BY
            build,
            campaign,
            send_hour
    ),
    sent AS
    (
        SELECT
            build,
            person_id,
            known,
            groupUniqArray(toString(detail)) AS campaigns
        FROM stage_entries
        WHERE funnel = {funnel:String} AND stage = 'message_sent'
        GROUP BY
            build,
            person_id,
            known
    ),
    goals AS
    (
        SELECT
            build,
            person_id,
            known,
            groupArray((entered_at, track, cohort)) AS reached_goals
        FROM stage_entries
        WHERE funnel = {funnel:String} AND stage = {stage:String}
        GROUP BY
            build,
            person_id,
            known
    ),
    stood AS
    (
        SELECT
            stays.build AS build,
            since,
            ifNull(until, toDateTime64('2299-12-31 00:00:00', 6, 'UTC')) AS ends,
            arrayPushFront(arrayMap(campaign -> (campaign, -1), campaigns), ('', 1)) AS counts,
            arraySort(
                arrayFilter(
                    goal -> goal.1 > since
                        AND (goal.2 = track OR goal.2 = '' OR track = '')
                        AND (goal.3 = cohort OR goal.3 = '' OR cohort = ''),
                    reached_goals
                ).1
            ) AS times,
            arrayMap(
                (at, earlier) -> (
                    greatest(at - toIntervalDay({within_days:UInt16}), earlier, since),
                    least(at, ends)
                ),
                times,
                arrayPopBack(arrayPushFront(times, since))
            ) AS near_goals,
            arrayConcat(
                [(since, 1, 0), (ends, -1, 0)],
                arrayFlatten(
                    arrayMap(
                        span -> [(span.1, 0, 1), (span.2, 0, -1)],
                        arrayFilter(span -> span.1 < span.2, near_goals)
                    )
                )
            ) AS spans
        FROM stays
        LEFT JOIN sent ON stays.build = sent.build AND stays.person_id = sent.person_id AND stays.known = sent.known
        LEFT JOIN goals ON stays.build = goals.build AND stays.person_id = goals.person_id AND stays.known = goals.known
        WHERE funnel = {funnel:String} AND stage = {audience:String}
    ),
    turns AS
    (
        SELECT
            build,
            counted.1 AS name,
            greatest(turn.1, begin) AS at,
            sum(turn.2 * counted.2) AS standing,
            sum(turn.3 * counted.2) AS reaching
        FROM stood
        ARRAY JOIN counts AS counted
        ARRAY JOIN spans AS turn
        GROUP BY
            build,
            name,
            at
    ),
    added_up AS
    (
        SELECT
            campaign,
            send_hour,
            sum(standing) OVER until_then AS standing_then,
            sum(reaching) OVER until_then AS reaching_then
        FROM
        (
            SELECT
                build,
                name,
                at,
                standing,
                reaching,
                '' AS campaign,
                toDateTime(0, '${timezone}') AS send_hour
            FROM turns
            UNION ALL
            SELECT
                build,
                arrayJoin(['', toString(campaign)]),
                moment,
                0,
                0,
                campaign,
                send_hour
            FROM hours
        )
        WINDOW until_then AS (
            PARTITION BY build, name
            ORDER BY at ASC
            RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        )
    )
SELECT
    campaign,
    send_hour,
    sum(standing_then) AS unsent,
    sum(reaching_then) AS unsent_reached
FROM added_up
WHERE send_hour > 0
GROUP BY
    campaign,
    send_hour;
