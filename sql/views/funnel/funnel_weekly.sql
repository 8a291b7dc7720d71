-- funnel_weekly: one row a funnel version, product, track, week (Monday to Sunday) and stage.
-- Entries are people who reached the stage first in that week; `step_conversion_period` divides
-- them by the entries of the stage before in the same week, so it may pass 1. Every stage has a
-- row in each week in which any stage has an entry. Terminal stages have no conversion.
-- Duplicates and late events: as in `stage_entries`.
CREATE OR REPLACE VIEW funnel_weekly AS
WITH
    entries AS
    (
        SELECT
            funnel,
            funnel_version,
            product,
            track,
            toStartOfWeek(toDate(entered_at, '${timezone}'), 1) AS week,
            stage_position,
            count() AS people
        FROM stage_entries
        WHERE kind != 'measure'
        GROUP BY ALL
    ),
    steps AS
    (
        SELECT *
        FROM stages
        WHERE kind != 'measure'
    ),
    weeks AS
    (
        SELECT DISTINCT
            funnel,
            funnel_version,
            product,
            track,
            week
        FROM entries
    )
SELECT
    weeks.funnel AS funnel,
    weeks.funnel_version AS funnel_version,
    weeks.product AS product,
    weeks.track AS track,
    weeks.week AS week,
    steps.stage_position AS stage_position,
    steps.stage AS stage,
    steps.stage_label AS stage_label,
    steps.kind AS kind,
    steps.lead AS lead,
    entries.people AS entries,
    if(
        kind = 'step' AND stage_position > 1,
        lagInFrame(entries) OVER (
            PARTITION BY funnel, funnel_version, product, track, week, kind
            ORDER BY stage_position ASC
            ROWS BETWEEN 1 PRECEDING AND CURRENT ROW
        ),
        NULL
    ) AS previous_entries,
    entries / nullIf(previous_entries, 0) AS step_conversion_period,
    ad_spend_weekly.ad_spend AS ad_spend,
    toFloat64(ad_spend) / nullIf(entries, 0) AS cost_per_entry
FROM weeks
INNER JOIN steps ON weeks.funnel = steps.funnel AND weeks.funnel_version = steps.funnel_version
LEFT JOIN entries
    ON weeks.funnel = entries.funnel
    AND weeks.funnel_version = entries.funnel_version
    AND weeks.product = entries.product
    AND weeks.track = entries.track
    AND weeks.week = entries.week
    AND steps.stage_position = entries.stage_position
LEFT JOIN ad_spend_weekly
    ON weeks.product = ad_spend_weekly.product
    AND weeks.track = ad_spend_weekly.track
    AND weeks.week = ad_spend_weekly.week;
