-- message_outcomes: one row a message that a person got, and what they did after it.
-- Parameters: funnel; audience, the stage whose residents were written to; stage, the goal;
-- first_day and last_day of sending (report timezone); within_days.
-- Inputs: the measures message_sent and message_clicked of `stage_entries` (detail: the campaign),
-- entries into the goal, `stays` at the audience, under the version in force on the day of sending.
-- A click belongs to the last message of its campaign that the person had got by then, of several at
-- one moment to the one whose cluster comes last in the alphabet. `several`: the
-- person got another message, of any campaign, less than 24 hours before or after. `resided`: they
-- stood at the audience when it was sent; `reached`: and entered the goal within within_days after it,
-- in the track and intake in which they stood there, or in one that goes together with them.
-- Columns: campaign, cluster, send_hour (report timezone), sent_at, person_id, known, several,
-- clicked, resided, reached.
-- Duplicates and late events: as in `stage_entries`; a late click or entry counts by its time.
CREATE OR REPLACE VIEW message_outcomes AS
WITH
    arrayFilter(stay -> stay.1 <= message.1 AND ifNull(stay.2 > message.1, true), stood_there) AS stays_then,
    messages AS
    (
        SELECT
            build,
            person_id,
            known,
            arraySort(groupArrayIf((entered_at, detail, cluster), stage = 'message_sent')) AS got,
            groupArrayIf((entered_at, detail), stage = 'message_clicked') AS clicks
        FROM stage_entries
        WHERE funnel = {funnel:String} AND stage IN ('message_sent', 'message_clicked')
        GROUP BY
            build,
            person_id,
            known
        HAVING notEmpty(got)
    ),
    stood AS
    (
        SELECT
            build,
            person_id,
            known,
            groupArray((since, until, track, cohort)) AS stood_there
        FROM stays
        WHERE funnel = {funnel:String}
            AND stage = {audience:String}
            AND (build, person_id, known) IN (SELECT build, person_id, known FROM messages)
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
        WHERE funnel = {funnel:String}
            AND stage = {stage:String}
            AND (build, person_id, known) IN (SELECT build, person_id, known FROM messages)
        GROUP BY
            build,
            person_id,
            known
    )
SELECT
    message.2 AS campaign,
    message.3 AS cluster,
    toStartOfHour(message.1, '${timezone}') AS send_hour,
    message.1 AS sent_at,
    messages.person_id AS person_id,
    messages.known AS known,
    arrayCount(one -> abs(dateDiff('microsecond', one.1, sent_at)) < 86400000000, got) > 1 AS several,
    arrayExists(
        click -> click.2 = campaign
            AND arrayLast(one -> one.2 = campaign AND one.1 <= click.1, got) = message,
        clicks
    ) AS clicked,
    notEmpty(stays_then) AS resided,
    arrayExists(
        goal -> goal.1 > sent_at
            AND goal.1 <= sent_at + toIntervalDay({within_days:UInt16})
            AND arrayExists(
                stay -> (stay.3 = goal.2 OR stay.3 = '' OR goal.2 = '')
                    AND (stay.4 = goal.3 OR stay.4 = '' OR goal.3 = ''),
                stays_then
            ),
        reached_goals
    ) AS reached
FROM messages
ARRAY JOIN got AS message
INNER JOIN funnels ON messages.build = funnels.build
LEFT JOIN stood
    ON messages.build = stood.build
    AND messages.person_id = stood.person_id
    AND messages.known = stood.known
LEFT JOIN goals
    ON messages.build = goals.build
    AND messages.person_id = goals.person_id
    AND messages.known = goals.known
WHERE toDate(message.1, '${timezone}') BETWEEN {first_day:Date} AND {last_day:Date}
    AND toDate(message.1, '${timezone}') BETWEEN valid_from AND valid_until;
