-- target_facts: one row a version of a funnel, track, intake, week, month and thing counted: the sums
-- that the figures of `targets_weekly` are made of.
-- Inputs: `stage_entries` of funnels with targets, `ad_spend`, `intakes`, `funnels`, `targets`. Tracks
-- and intakes are told apart in funnels only of which a target names one; elsewhere they are empty.
-- what: `entries` into the stage (of a measure: its events); `people`, the same without those who come
-- again, for `inquiry` by their first one; `withdrawals` of people who stood at the stage, or who had
-- asked before where it is `inquiry`, the first by track and intake of what they asked; `revenue`;
-- `ad_spend` of the funnel's product; `intake_spend`, that once more for each intake open as it begins.
-- Duplicates and late events: as in `stage_entries`; spend imported again replaces itself.
CREATE OR REPLACE VIEW target_facts
(
    funnel         String COMMENT 'the funnel',
    funnel_version UInt32 COMMENT 'the version that counts so',
    valid_from     Date COMMENT 'its first day',
    valid_until    Date32 COMMENT 'its last day',
    track          String COMMENT 'the track',
    cohort         String COMMENT 'the intake',
    week           Date COMMENT 'the Monday',
    month          Date COMMENT 'the first day of the month',
    what           String COMMENT 'entries, people, withdrawals, revenue, ad_spend or intake_spend',
    stage          String COMMENT 'the stage entered or left, empty for money',
    figure         Float64 COMMENT 'how many, or KRW'
)
AS
WITH
    watched AS
    (
        SELECT
            build,
            funnels.funnel AS funnel,
            funnel_version,
            funnels.product AS product,
            max(targets.track != '') AS by_track,
            max(period = 'intake') AS by_intake
        FROM funnels
        INNER JOIN targets ON funnels.funnel = targets.funnel
        GROUP BY ALL
    ),
    -- Rows are grouped by one number for their five texts, which takes a third of the time.
    counted AS
    (
        WITH
            toDate(entered_at, '${timezone}') AS day,
            if(build IN (SELECT build FROM watched WHERE by_track), track, '') AS told_track,
            if(build IN (SELECT build FROM watched WHERE by_intake), cohort, '') AS told_cohort
        SELECT
            any(build) AS of_build,
            any(told_track) AS of_track,
            any(told_cohort) AS of_cohort,
            any(stage) AS of_stage,
            any(kind) AS of_kind,
            any(left_stage) AS left_from,
            toStartOfWeek(day, 1) AS week,
            toStartOfMonth(day) AS month,
            count() AS entered,
            countIf(NOT repeated) AS people,
            sum(amount) AS money
        FROM stage_entries
        WHERE build IN (SELECT build FROM watched)
        GROUP BY
            week,
            month,
            cityHash64(
                cityHash64(build),
                cityHash64(told_track),
                cityHash64(told_cohort),
                cityHash64(stage),
                cityHash64(left_stage)
            )
    ),
    -- Who asked, with their first inquiry and the times at which they withdrew: read in one pass.
    inquirers AS
    (
        SELECT
            build,
            minIf((entered_at, track, cohort), stage = 'inquiry') AS inquiry,
            groupArrayIf(entered_at, kind = 'withdrawn') AS withdrawn_at
        FROM stage_entries
        WHERE build IN (SELECT build FROM watched)
            AND (stage = 'inquiry' OR stage IN (SELECT stage FROM stages WHERE kind = 'withdrawn'))
        GROUP BY
            build,
            person_id,
            known
        HAVING countIf(stage = 'inquiry') > 0
    ),
    asked AS
    (
        SELECT
            build,
            inquiry,
            arrayFilter(at -> at >= inquiry.1, withdrawn_at) AS left_after,
            arrayJoin(arrayConcat(
                [(inquiry.1, 'people')],
                if(empty(left_after), [], [(arrayMin(left_after), 'withdrawals')])
            )) AS step
        FROM inquirers
    ),
    spent AS
    (
        SELECT
            build,
            funnel,
            funnel_version,
            track,
            period_start,
            sum(amount) AS money
        FROM ad_spend FINAL
        INNER JOIN watched ON ad_spend.product = watched.product
        GROUP BY ALL
    ),
    spent_on_intakes AS
    (
        SELECT
            build,
            spent.track AS track,
            cohort,
            period_start,
            any(money) AS money
        FROM spent
        INNER JOIN intakes USING (funnel, funnel_version)
        WHERE period_start BETWEEN opens AND closes
            AND (spent.track = intakes.track OR spent.track = '' OR intakes.track = '')
        GROUP BY
            build,
            track,
            cohort,
            period_start
    ),
    facts AS
    (
        SELECT
            of_build AS build,
            of_track AS track,
            of_cohort AS cohort,
            week,
            month,
            arrayJoin([
                ('entries', toString(of_stage), toFloat64(entered)),
                (if(of_stage = 'inquiry', '', 'people'), toString(of_stage), toFloat64(people)),
                (if(of_kind = 'withdrawn', 'withdrawals', ''), toString(left_from), toFloat64(people)),
                (if(of_stage = 'revenue', 'revenue', ''), '', toFloat64(ifNull(money, 0)))
            ]) AS fact
        FROM counted
        UNION ALL
        SELECT
            build,
            inquiry.2,
            inquiry.3,
            toStartOfWeek(toDate(step.1, '${timezone}'), 1),
            toStartOfMonth(toDate(step.1, '${timezone}')),
            (step.2, 'inquiry', 1.)
        FROM asked
        UNION ALL
        SELECT
            build,
            track,
            '',
            toStartOfWeek(period_start, 1),
            toStartOfMonth(period_start),
            ('ad_spend', '', toFloat64(money))
        FROM spent
        UNION ALL
        SELECT
            build,
            track,
            cohort,
            toStartOfWeek(period_start, 1),
            toStartOfMonth(period_start),
            ('intake_spend', '', toFloat64(money))
        FROM spent_on_intakes
    )
SELECT
    funnels.funnel AS funnel,
    funnels.funnel_version AS funnel_version,
    valid_from,
    valid_until,
    track,
    cohort,
    week,
    month,
    fact.1 AS what,
    fact.2 AS stage,
    sum(fact.3) AS figure
FROM facts
INNER JOIN funnels ON facts.build = funnels.build
WHERE what != ''
GROUP BY ALL;
