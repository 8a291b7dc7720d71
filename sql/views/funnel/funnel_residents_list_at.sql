-- funnel_residents_list_at: one row a resident as in `funnel_residents_list`, at a moment, by the
-- versions by which reports of its day go. Columns: as there. Parameter: at, wall clock of the report
-- timezone, such as '2024-07-01 18:00:00'.
-- Duplicates and late events: as in `stage_entries`.
CREATE OR REPLACE VIEW funnel_residents_list_at AS
WITH
    {at:DateTime64(6, '${timezone}')} AS moment,
    toDate(moment, '${timezone}') AS today,
    arrayFilter(span -> span.1 = track OR span.1 = '' OR track = '', spans) AS mine
SELECT
    standing.funnel AS funnel,
    standing.funnel_version AS funnel_version,
    product,
    track,
    standing.cohort AS cohort,
    stage_position,
    stage,
    if(segment = '', 'unknown', segment) AS segment,
    card_holder,
    channel,
    person_id,
    known,
    entered_at,
    dateDiff('day', toDate(entered_at, '${timezone}'), today) AS dwell_days
FROM stage_entries AS standing
LEFT JOIN intake_spans
    ON standing.funnel = intake_spans.funnel
    AND standing.funnel_version = intake_spans.funnel_version
    AND standing.cohort = intake_spans.cohort
WHERE kind = 'step'
    AND NOT repeated
    AND entered_at <= moment
    AND (left_at IS NULL OR left_at > moment)
    AND build IN (SELECT build FROM funnels WHERE today BETWEEN valid_from AND valid_until)
    AND (empty(mine) OR today BETWEEN arrayMin(mine.2) AND arrayMax(mine.3));
