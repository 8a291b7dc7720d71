-- spend_weekly: one row a product, track and week (Monday to Sunday): ad spend of all channels.
-- Duplicates: a period imported again replaces itself; days and weeks add up to their week.
CREATE OR REPLACE VIEW spend_weekly AS
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
