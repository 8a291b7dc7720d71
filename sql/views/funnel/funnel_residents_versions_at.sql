-- funnel_residents_versions_at: one row a group of residents as in `funnel_residents`, at a moment, by
-- every version of the funnels; in_force tells the version by which reports of its day go. The other
-- columns are those of `funnel_residents`. Parameter: at, wall clock of the report timezone.
-- Duplicates and late events: as in `stage_entries`.
CREATE OR REPLACE VIEW funnel_residents_versions_at AS
WITH
    {at:DateTime64(6, '${timezone}')} AS moment,
    toDate(moment, '${timezone}') AS today,
    arrayFilter(span -> span.1 = track OR span.1 = '' OR track = '', spans) AS mine,
    standing AS
    (
        SELECT
            build,
            stage_position,
            track,
            cohort,
            segment,
            card_holder,
            toDate(entered_at, '${timezone}') AS entered_on,
            count() AS people
        FROM stage_entries
        WHERE kind = 'step'
            AND NOT repeated
            AND entered_at <= moment
            AND (left_at IS NULL OR left_at > moment)
        GROUP BY ALL
    )
SELECT
    stages.funnel AS funnel,
    stages.funnel_version AS funnel_version,
    standing.build IN (SELECT build FROM funnels WHERE today BETWEEN valid_from AND valid_until) AS in_force,
    stages.product AS product,
    standing.track AS track,
    standing.cohort AS cohort,
    standing.stage_position AS stage_position,
    stages.stage AS stage,
    stages.stage_label AS stage_label,
    if(standing.segment = '', 'unknown', standing.segment) AS segment,
    standing.card_holder AS card_holder,
    sum(people) AS residents,
    sum(people * dateDiff('day', entered_on, today)) AS dwell_days_total,
    dwell_days_total / residents AS dwell_days_mean,
    quantileExactWeightedInterpolated(0.5)(dateDiff('day', entered_on, today), people) AS dwell_days_median,
    quantileExactWeightedInterpolated(0.9)(dateDiff('day', entered_on, today), people) AS dwell_days_p90
FROM standing
INNER JOIN stages
    ON standing.build = stages.build
    AND standing.stage_position = stages.stage_position
LEFT JOIN intake_spans
    ON stages.funnel = intake_spans.funnel
    AND stages.funnel_version = intake_spans.funnel_version
    AND standing.cohort = intake_spans.cohort
WHERE empty(mine) OR today BETWEEN arrayMin(mine.2) AND arrayMax(mine.3)
GROUP BY ALL;
