-- funnel_residents_list_at(at): `funnel_residents_list` at a moment `at` (wall clock of the report
-- timezone, like '2024-07-01 18:00:00'), by the versions by which reports of that day go. Its columns
-- are those of `funnel_residents_list`.
-- Duplicates and late events: as in `stage_entries`.
CREATE OR REPLACE VIEW funnel_residents_list_at AS
WITH
    {at:DateTime64(6, '${timezone}')} AS moment,
    toDate(moment, '${timezone}') AS today,
    tracks -> arrayExists(one -> one = track OR one = '' OR track = '', tracks) AS among
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
LEFT JOIN intakes_at(at = {at:DateTime64(6, '${timezone}')}) AS intake
    ON standing.funnel = intake.funnel
    AND standing.funnel_version = intake.funnel_version
    AND standing.cohort = intake.cohort
WHERE kind = 'step'
    AND NOT repeated
    AND entered_at <= moment
    AND (left_at IS NULL OR left_at > moment)
    AND build IN (SELECT build FROM funnels WHERE today BETWEEN valid_from AND valid_until)
    AND (among(intake.open_tracks) OR NOT among(intake.closed_tracks));
