-- effort_score: one row a funnel, product, track, intake, week (Monday to Sunday) and step: how much
-- effort people say that it took, from 1 (little) to 7 (much); lower is better.
-- Inputs: `stage_entries`; the measure effort of the plan, its amount being the score.
-- Period basis: each answer of the week; what does not lie from 1 to 7 is no answer. Version in force on
-- the week's first day.
-- Duplicates and late events: as in `stage_entries`.
CREATE OR REPLACE VIEW effort_score
(
    funnel              String COMMENT 'the funnel',
    funnel_version      UInt32 COMMENT 'its version in force on the first day of the row',
    product             String COMMENT 'the product of the funnel',
    track               String COMMENT 'the track, empty where nobody told',
    cohort              String COMMENT 'the intake, empty where nobody told',
    week                Date COMMENT 'the Monday',
    step                String COMMENT 'what was asked about: the detail of the measure',
    answers_period      UInt64 COMMENT 'answers',
    score_mean_period   Float64 COMMENT 'their mean',
    score_median_period Float64 COMMENT 'their median',
    answers_1_period    UInt64 COMMENT 'answers of 1, the least effort',
    answers_2_period    UInt64 COMMENT 'answers of 2',
    answers_3_period    UInt64 COMMENT 'answers of 3',
    answers_4_period    UInt64 COMMENT 'answers of 4',
    answers_5_period    UInt64 COMMENT 'answers of 5',
    answers_6_period    UInt64 COMMENT 'answers of 6',
    answers_7_period    UInt64 COMMENT 'answers of 7'
)
AS
SELECT
    funnels.funnel AS funnel,
    funnels.funnel_version AS funnel_version,
    funnels.product AS product,
    track,
    cohort,
    toStartOfWeek(toDate(entered_at, '${timezone}'), 1) AS week,
    detail AS step,
    count() AS answers_period,
    avg(assumeNotNull(amount)) AS score_mean_period,
    quantileExactInclusive(0.5)(toFloat64(assumeNotNull(amount))) AS score_median_period,
    countIf(amount = 1) AS answers_1_period,
    countIf(amount = 2) AS answers_2_period,
    countIf(amount = 3) AS answers_3_period,
    countIf(amount = 4) AS answers_4_period,
    countIf(amount = 5) AS answers_5_period,
    countIf(amount = 6) AS answers_6_period,
    countIf(amount = 7) AS answers_7_period
FROM stage_entries
INNER JOIN funnels ON stage_entries.build = funnels.build
WHERE stage = 'effort' AND kind = 'measure' AND amount BETWEEN 1 AND 7 AND week BETWEEN valid_from AND valid_until
GROUP BY
    funnels.funnel,
    funnels.funnel_version,
    funnels.product,
    track,
    cohort,
    week,
    step;
