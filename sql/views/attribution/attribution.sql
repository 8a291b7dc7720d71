-- attribution: one row a model, dimension (channel, campaign, page, cta or section) and value of it:
-- the conversions and the money that it is given.
-- Parameters: those of `conversion_touchpoints`. page is the entry page of the session. The weight
-- of a session counts in equal parts for each CTA clicked and each section seen in it, for the empty
-- value where there was none; within a model each dimension adds up to all conversions.
-- Duplicates and late events: as in `conversion_touchpoints`.
CREATE OR REPLACE VIEW attribution AS
SELECT
    model,
    part.1 AS dimension,
    value,
    sum(weight / length(part.2)) AS conversions,
    sum(amount_share / length(part.2)) AS amount
FROM conversion_touchpoints(
    funnel = {funnel:String},
    stage = {stage:String},
    first_day = {first_day:Date},
    last_day = {last_day:Date},
    lookback_days = {lookback_days:UInt16},
    half_life_days = {half_life_days:Float64}
)
ARRAY JOIN [
    ('channel', [toString(channel)]),
    ('campaign', [toString(campaign)]),
    ('page', [page]),
    ('cta', if(empty(ctas), [''], CAST(ctas, 'Array(String)'))),
    ('section', if(empty(sections), [''], CAST(sections, 'Array(String)')))
] AS part
ARRAY JOIN part.2 AS value
GROUP BY
    model,
    dimension,
    value;
