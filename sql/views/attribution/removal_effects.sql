-- removal_effects: one row a channel and period of a stage's conversions, as `funnelhouse
-- attribution markov` computed it last.
-- removal_effect is the share of conversions that would be lost if each journey that comes to the
-- channel ended there, in the first-order Markov chain of `channel_steps`; share is its part of all
-- channels' effects.
-- Duplicates: a row that an import brings again counts once.
-- Late events: as they were when it was computed; compute it again to count them in.
CREATE OR REPLACE VIEW removal_effects AS
SELECT
    funnel,
    stage,
    first_day,
    last_day,
    lookback_days,
    channel,
    removal_effect,
    removal_effect / nullIf(sum(removal_effect) OVER computation, 0) AS share,
    computed_at
FROM
(
    SELECT
        *,
        max(computed_at) OVER (
            PARTITION BY funnel, stage, first_day, last_day, lookback_days
        ) AS computed_last
    FROM (SELECT DISTINCT * FROM removal_effects_raw)
)
WHERE computed_at = computed_last
WINDOW computation AS (PARTITION BY funnel, stage, first_day, last_day, lookback_days);
