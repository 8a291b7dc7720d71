-- ad_spend_weekly: one row a product, track and week (Monday to Sunday): ad spend of all channels.
-- A period counts in the week in which it begins.
-- Duplicates: a period imported again replaces itself; days and weeks add up to their week.
CREATE OR REPLACE VIEW ad_spend_weekly
(
    product  String COMMENT 'the product advertised',
    track    String COMMENT 'its track',
    week     Date COMMENT 'the Monday',
    ad_spend Decimal(38, 2) COMMENT 'KRW'
)
AS
SELECT
    product,
    track,
    toStartOfWeek(period_start, 1) AS week,
    sum(amount) AS ad_spend
FROM ad_spend FINAL
GROUP BY
    product,
    track,
    week;
