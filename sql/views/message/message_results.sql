-- message_results: one row a message campaign, cluster and send hour, those apart who got more than
-- one message within 24 hours: what became of the messages, beside residents who got none.
-- Parameters: funnel; audience, the stage whose residents were written to; stage, the goal;
-- first_day and last_day of sending (report timezone); within_days.
-- Inputs: `message_outcomes`, which says what clicked, resided and reached mean, and `message_unsent`:
-- the residents at the first message of that hour who never got one of this campaign, the same for all
-- rows of the hour. They are a hold-out where chance left them out; else they may differ in more.
-- difference is reached_share less unsent_share, with its 95 % interval by method 10 of Newcombe
-- (1998, Statistics in Medicine 17:873-890), made of Wilson's score intervals of both shares.
-- Columns: campaign, cluster, send_hour, several, complete (within_days are over for all of them),
-- sent (messages), people, clicked (messages), click_rate (clicked / sent), residents (of people:
-- those who stood at the audience), reached (of residents), reached_share, unsent, unsent_reached,
-- unsent_share, difference, difference_low, difference_high. Shares of nobody are NULL.
-- Duplicates and late events: as in `stage_entries`; a late click or entry counts by its time.
CREATE OR REPLACE VIEW message_results AS
WITH
    1.959964 AS z,
    (share, whole, side) -> (
        share + z * z / 2 / whole + side * z * sqrt((share * (1 - share) + z * z / 4 / whole) / whole)
    ) / (1 + z * z / whole) AS wilson,
    counted AS
    (
        SELECT
            campaign,
            cluster,
            send_hour,
            several,
            count() AS sent,
            uniqExact(person_id, known) AS people,
            countIf(clicked) AS clicked,
            uniqExactIf((person_id, known), resided) AS residents,
            uniqExactIf((person_id, known), reached) AS reached
        FROM message_outcomes(
            funnel = {funnel:String},
            audience = {audience:String},
            stage = {stage:String},
            first_day = {first_day:Date},
            last_day = {last_day:Date},
            within_days = {within_days:UInt16}
        )
        GROUP BY
            campaign,
            cluster,
            send_hour,
            several
    )
SELECT
    counted.campaign AS campaign,
    cluster,
    counted.send_hour AS send_hour,
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
        pow(reached_share - wilson(reached_share, residents, -1), 2)
            + pow(wilson(unsent_share, unsent, 1) - unsent_share, 2)
    ) AS difference_low,
    difference + sqrt(
        pow(wilson(reached_share, residents, 1) - reached_share, 2)
            + pow(unsent_share - wilson(unsent_share, unsent, -1), 2)
    ) AS difference_high
FROM counted
LEFT JOIN message_unsent(
    funnel = {funnel:String},
    audience = {audience:String},
    stage = {stage:String},
    first_day = {first_day:Date},
    last_day = {last_day:Date},
    within_days = {within_days:UInt16}
) AS beside
    ON counted.campaign = beside.campaign AND counted.send_hour = beside.send_hour;
