-- stage_costs_weekly: one row a funnel's version, track, channel, week (Monday to Sunday) and step:
-- what an entry into that step cost; of the step marked `lead` it is the LAC of the funnel.
-- Inputs: `stage_entries` and `ad_spend`. Weeks go by the version in force on their Monday. Spend is
-- the product's: each of its funnels and each step has it whole, so add it up within one step only.
-- Track and channel are those of the entry; spend meets them where the names are the same.
-- `cost_per_entry` is NULL where nobody entered or nothing was spent.
-- Duplicates: copies of an event count once; a period of spend imported again replaces itself, and
-- counts in the week in which it begins. A late event changes the week in which it happened.
CREATE OR REPLACE VIEW stage_costs_weekly
(
    funnel         String COMMENT 'the funnel',
    funnel_version UInt32 COMMENT 'the version in force on the Monday',
    product        String COMMENT 'the product of the funnel',
    track          String COMMENT 'track of the entry; empty where none is told',
    channel        String COMMENT 'channel of the entry; empty where none is told',
    week           Date COMMENT 'the Monday',
    stage_position UInt16 COMMENT 'place in the funnel, from 1',
    stage          String COMMENT 'the step',
    lead           Bool COMMENT 'whether the team counts its entries as leads',
    entries        UInt64 COMMENT 'entries into the step',
    ad_spend       Decimal(38, 2) COMMENT 'KRW spent on the product, track and channel',
    cost_per_entry Nullable(Float64) COMMENT 'ad_spend / entries'
)
AS
WITH
    steps AS
    (
        SELECT
            funnels.build AS build,
            funnels.funnel AS funnel,
            funnels.funnel_version AS funnel_version,
            funnels.product AS product,
            stage_position,
            stage,
            lead,
            valid_from,
            valid_until
        FROM stages
        INNER JOIN funnels ON stages.build = funnels.build
        WHERE kind = 'step'
    ),
    counted AS
    (
        SELECT
            build,
            stage,
            track,
            channel,
            toStartOfWeek(toDate(entered_at, '${timezone}'), 1) AS week,
            count() AS people,
            toDecimal128(0, 2) AS spent
        FROM stage_entries
        WHERE kind = 'step'
        GROUP BY
            build,
            stage,
            track,
            channel,
            week
        UNION ALL
        SELECT
            steps.build,
            steps.stage,
            ad_spend.track,
            ad_spend.channel,
            toStartOfWeek(period_start, 1) AS week,
            0,
            sum(amount)
        FROM ad_spend FINAL
        INNER JOIN steps ON ad_spend.product = steps.product
        GROUP BY
            steps.build,
            steps.stage,
            ad_spend.track,
            ad_spend.channel,
            week
    )
SELECT
    steps.funnel AS funnel,
    steps.funnel_version AS funnel_version,
    steps.product AS product,
    counted.track AS track,
    counted.channel AS channel,
    counted.week AS week,
    steps.stage_position AS stage_position,
    steps.stage AS stage,
    steps.lead AS lead,
    sum(people) AS entries,
    sum(spent) AS ad_spend,
    nullIf(toFloat64(ad_spend), 0) / nullIf(entries, 0) AS cost_per_entry
FROM counted
INNER JOIN steps ON counted.build = steps.build AND counted.stage = steps.stage
WHERE counted.week BETWEEN steps.valid_from AND steps.valid_until
GROUP BY ALL;
