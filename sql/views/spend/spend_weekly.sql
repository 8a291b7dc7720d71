-- spend_weekly: one row a product, track, channel and week (Monday to Sunday): what ads cost and
-- what came in. Every number adds up over tracks, channels and weeks; divide sums, not quotients.
-- Inputs: `ad_spend`; of `stage_entries` the lead stages and the measures revenue and refund, under
-- the version of their funnel in force on the Monday. Track and channel are those of the entry (the
-- channel is the last that the person's events told); spend meets it where the names are the same.
-- Where several funnels of a product take one event for a lead, a payment or a refund it counts once.
-- A person's first payment for the product is a new customer. Revenue is before refunds. Quotients
-- are NULL where nothing was spent. What other stages cost is in `stage_costs_weekly`.
-- Duplicates: copies of an event count once; a period of spend imported again replaces itself, and
-- counts in the week in which it begins. A late event changes the week in which it happened.
CREATE OR REPLACE VIEW spend_weekly
(
    product        String COMMENT 'the product',
    track          String COMMENT 'its track; empty where none is told',
    channel        String COMMENT 'the channel; empty where none is told',
    week           Date COMMENT 'the Monday',
    ad_spend       Decimal(38, 2) COMMENT 'KRW',
    leads          UInt64 COMMENT 'entries into the lead stage',
    lac            Nullable(Float64) COMMENT 'lead acquisition cost: ad_spend / leads',
    first_payments UInt64 COMMENT 'people who paid for the product for the first time',
    cac            Nullable(Float64) COMMENT 'customer acquisition cost: ad_spend / first_payments',
    revenue        Decimal(38, 2) COMMENT 'KRW paid, refunds not taken off',
    refunds        Decimal(38, 2) COMMENT 'KRW given back',
    roas           Nullable(Float64) COMMENT 'return on ad spend: revenue / ad_spend'
)
AS
WITH
    counted_stages AS
    (
        SELECT
            build,
            stage,
            if(lead, 'lead', toString(stage)) AS what,
            valid_from,
            valid_until
        FROM stages
        INNER JOIN funnels ON stages.build = funnels.build
        WHERE lead OR kind = 'measure' AND stage IN ('revenue', 'refund')
    ),
    told AS
    (
        SELECT
            product,
            what,
            source,
            event_id,
            argMin((person_id, known, track, channel, entered_at, ifNull(amount, 0)), funnel) AS one
        FROM stage_entries
        INNER JOIN counted_stages USING (build, stage)
        WHERE stage IN (SELECT stage FROM counted_stages)
            AND toStartOfWeek(toDate(entered_at, '${timezone}'), 1) BETWEEN valid_from AND valid_until
        GROUP BY
            product,
            what,
            source,
            event_id
    ),
    counted AS
    (
        SELECT
            product,
            one.3 AS track,
            one.4 AS channel,
            toStartOfWeek(toDate(one.5, '${timezone}'), 1) AS week,
            toDecimal128(0, 2) AS spent,
            what = 'lead' AS is_lead,
            what = 'revenue' AND row_number() OVER (
                PARTITION BY product, what, one.1, one.2
                ORDER BY one.5 ASC, source ASC, event_id ASC
            ) = 1 AS is_first_payment,
            if(what = 'revenue', one.6, 0) AS paid,
            if(what = 'refund', one.6, 0) AS given_back
        FROM told
        UNION ALL
        SELECT
            product,
            track,
            channel,
            toStartOfWeek(period_start, 1),
            amount,
            0,
            0,
            0,
            0
        FROM ad_spend FINAL
    )
SELECT
    product,
    track,
    channel,
    week,
    sum(spent) AS ad_spend,
    sum(is_lead) AS leads,
    nullIf(toFloat64(ad_spend), 0) / nullIf(leads, 0) AS lac,
    sum(is_first_payment) AS first_payments,
    nullIf(toFloat64(ad_spend), 0) / nullIf(first_payments, 0) AS cac,
    sum(paid) AS revenue,
    sum(given_back) AS refunds,
    toFloat64(revenue) / nullIf(toFloat64(ad_spend), 0) AS roas
FROM counted
GROUP BY
    product,
    track,
    channel,
    week;
