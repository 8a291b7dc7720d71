-- stays: one row a person's stay at a step, in a track and intake, as `funnel_residents` counts them.
-- They stand there at a moment with since <= moment < until (NULL: still): from the entry, or the day
-- on which their intake opens where that is later, until a later stage or a terminal one came or the
-- intake closed. Who had gone on or left before they came stood there never.
-- Inputs: `stage_entries`, `intake_spans`. Duplicates and late events: as in `stage_entries`.
CREATE OR REPLACE VIEW stays
(
    funnel    String COMMENT 'the funnel',
    build     String COMMENT 'its version, named by its content',
    person_id String COMMENT 'the person',
    known     Bool COMMENT 'whether that is a user',
    stage     String COMMENT 'the step',
    track     String COMMENT 'track of the entry',
    cohort    String COMMENT 'intake of the entry',
    since     DateTime64(6, 'UTC') COMMENT 'from when on',
    until     Nullable(DateTime64(6, 'UTC')) COMMENT 'until when, not included; NULL where they still stand there'
)
AS
SELECT
    funnel,
    build,
    person_id,
    known,
    stage,
    track,
    cohort,
    if(empty(mine), entered_at, greatest(entered_at, opened_at)) AS since,
    if(empty(mine), left_at, least(ifNull(left_at, closed_at), closed_at)) AS until
FROM
(
    SELECT
        stage_entries.*,
        arrayFilter(span -> span.1 = track OR span.1 = '' OR track = '', spans) AS mine,
        toDateTime64(arrayMin(mine.2), 6, '${timezone}') AS opened_at,
        toDateTime64(arrayMax(mine.3) + 1, 6, '${timezone}') AS closed_at
    FROM stage_entries
    LEFT JOIN intake_spans
        ON stage_entries.funnel = intake_spans.funnel
        AND stage_entries.funnel_version = intake_spans.funnel_version
        AND stage_entries.cohort = intake_spans.cohort
    WHERE kind = 'step' AND NOT repeated
)
WHERE ifNull(since < until, true);
