-- message_results: one row a message campaign, cluster and send hour, those apart who got more than
-- one message within 24 hours: what became of the messages, beside residents who got none.
-- Parameters: funnel; audience, the stage whose residents were written to; stage, the goal;
-- first_day and last_day of sending; within_days.
-- Inputs: the measures message_sent and message_clicked of `stage_entries` (detail: the campaign),
-- `stays` at the audience, entries into the goal, under the version in force on the day of sending.
-- A click belongs to the last message of its campaign that the person had got by then. A message
-- reached the goal when its person stood at the audience as it was sent and entered the goal within
-- within_days after it. `several`: the person got another message, of any campaign, less than
-- 24 hours before or after this one. Beside them stand the residents of the audience at the first
-- message of the campaign in that hour who got no message of this campaign ever, and none of another
-- from 24 hours before that moment until within_days after it; they are the same for all rows of the
-- hour, and a hold-out where the team left them out by chance: else they may differ in more than the
-- message. A person counts once in each track and intake.
-- difference is reached_share less unsent_share, with its 95 % interval by Newcombe's method 10 of
-- Wilson scores (Newcombe 1998, Statistics in Medicine 17:873-890).
-- Columns: campaign, cluster, send_hour (report timezone), several, complete (within_days are over
-- for all), sent (messages), people, clicked (messages), click_rate (clicked / sent), residents (of
-- people: those at the audience), reached, reached_share, unsent, unsent_reached, unsent_share,
-- difference, difference_low, difference_high.
-- Duplicates and late events: as in `stage_entries`; a late click or entry counts by its time.
CREATE OR REPLACE VIEW message_results AS
WITH
    (stays, moment) -> arrayFilter(stay -> stay.1 <= moment AND ifNull(stay.2 > moment, true), stays) AS at_moment,
    (stays, goals, moment) -> arrayExists(
        goal -> goal.1 > moment
            AND goal.1 <= moment + toIntervalDay({within_days:UInt16})
            AND arrayExists(
                stay -> (stay.3 = goal.2 OR stay.3 = '' OR goal.2 = '')
                    AND (stay.4 = goal.3 OR stay.4 = '' OR goal.3 = ''),
                stays
            ),
        goals
    ) AS reaches,
    (part, whole, side) -> (
        part / whole + pow(1.959964, 2) / 2 / whole
            + side * 1.959964 * sqrt((part / whole * (1 - part / whole) + pow(1.959964, 2) / 4 / whole) / whole)
    ) / (1 + pow(1.959964, 2) / whole) AS wilson,
    told AS
    (
        SELECT
            build,
            person_id,
            known,
            'stay' AS what,
            since AS at,
            until,
            track,
            cohort,
            '' AS campaign,
            '' AS cluster
        FROM stays
        WHERE funnel = {funnel:String} AND stage = {audience:String}
        UNION ALL
        SELECT
            build,
            person_id,
            known,
            if(stage = {stage:String}, 'goal', toString(stage)),
            entered_at,
            NULL,
            track,
            cohort,
            detail,
            cluster
        FROM stage_entries
        WHERE funnel = {funnel:String} AND stage IN ({stage:String}, 'message_sent', 'message_clicked')
    ),
    people AS
    (
        SELECT
            build,
            person_id,
            known,
            groupArrayIf((at, until, track, cohort), what = 'stay') AS stays,
            groupArrayIf((at, track, cohort), what = 'goal') AS goals,
            groupArrayIf((at, campaign, cluster), what = 'message_sent') AS got,
            groupArrayIf((at, campaign), what = 'message_clicked') AS clicks
        FROM told
        GROUP BY
            build,
            person_id,
            known
    ),
    hours AS
    (
        SELECT
            stage_entries.build AS build,
            detail AS campaign,
            toStartOfHour(entered_at, '${timezone}') AS send_hour,
            min(entered_at) AS first_sent_at
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
    sendings AS
    (
        SELECT
            build,
            groupArray((campaign, send_hour, first_sent_at)) AS sent_hours
        FROM hours
        GROUP BY build
    ),
    outcomes AS
    (
        SELECT
            person_id,
            known,
            arrayConcat(
                arrayMap(
                    message -> (
                        message.2,
                        toStartOfHour(message.1, '${timezone}'),
                        message.3,
                        arrayCount(other -> abs(dateDiff('microsecond', other.1, message.1)) < 86400e6, got) > 1,
                        arrayExists(
                            click -> click.2 = message.2
                                AND arrayMax(
                                    arrayFilter(at -> at <= click.1, arrayFilter(one -> one.2 = click.2, got).1)
                                ) = message.1,
                            clicks
                        ),
                        notEmpty(at_moment(stays, message.1)),
                        reaches(at_moment(stays, message.1), goals, message.1),
                        true
                    ),
                    arrayFilter(
                        message -> arrayExists(
                            hour -> hour.1 = message.2 AND hour.2 = toStartOfHour(message.1, '${timezone}'),
                            sent_hours
                        ),
                        got
                    )
                ),
                arrayMap(
                    hour -> (
                        hour.1,
                        hour.2,
                        '',
                        false,
                        false,
                        true,
                        reaches(at_moment(stays, hour.3), goals, hour.3),
                        false
                    ),
                    arrayFilter(
                        hour -> notEmpty(at_moment(stays, hour.3)) AND NOT arrayExists(
                            message -> message.2 = hour.1
                                OR message.1 > hour.3 - toIntervalDay(1)
                                AND message.1 <= hour.3 + toIntervalDay({within_days:UInt16}),
                            got
                        ),
                        sent_hours
                    )
                )
            ) AS found
        FROM people
        INNER JOIN sendings ON people.build = sendings.build
    ),
    counted AS
    (
        SELECT
            outcome.1 AS campaign,
            outcome.2 AS send_hour,
            outcome.3 AS cluster,
            outcome.4 AS several,
            outcome.8 AS is_message,
            count() AS sent,
            uniqExact(person_id, known) AS people,
            countIf(outcome.5) AS clicked,
            uniqExactIf((person_id, known), outcome.6) AS residents,
            uniqExactIf((person_id, known), outcome.7) AS reached,
            sum(if(is_message, 0, residents)) OVER same_hour AS unsent,
            sum(if(is_message, 0, reached)) OVER same_hour AS unsent_reached
        FROM outcomes
        ARRAY JOIN found AS outcome
        GROUP BY
            campaign,
            send_hour,
            cluster,
            several,
            is_message
        WINDOW same_hour AS (PARTITION BY campaign, send_hour)
    )
SELECT
    campaign,
    cluster,
    send_hour,
    several,
    send_hour + toIntervalHour(1) + toIntervalDay({within_days:UInt16}) <= now() AS complete,
    sent,
    people,
    clicked,
    clicked / sent AS click_rate,
    residents,
    reached,
    reached / nullIf(residents, 0) AS reached_share,
    unsent,
    unsent_reached,
    unsent_reached / nullIf(unsent, 0) AS unsent_share,
    reached_share - unsent_share AS difference,
    difference - sqrt(
        pow(reached_share - wilson(reached, nullIf(residents, 0), -1), 2)
            + pow(wilson(unsent_reached, nullIf(unsent, 0), 1) - unsent_share, 2)
    ) AS difference_low,
    difference + sqrt(
        pow(wilson(reached, nullIf(residents, 0), 1) - reached_share, 2)
            + pow(unsent_share - wilson(unsent_reached, nullIf(unsent, 0), -1), 2)
    ) AS difference_high
FROM counted
WHERE is_message;
