-- intakes_at(at): one row a version of a funnel and intake (cohort): the tracks in which it is open,
-- and those in which it is not, on the day of a moment `at` (wall clock of the report timezone).
-- Columns: funnel, funnel_version, cohort, open_tracks, closed_tracks (an empty one: all tracks).
-- Duplicates and late events change nothing here.
CREATE OR REPLACE VIEW intakes_at AS
WITH toDate({at:DateTime64(6, '${timezone}')}, '${timezone}') BETWEEN opens AND closes AS is_open
SELECT
    funnel,
    funnel_version,
    cohort,
    groupArrayIf(track, is_open) AS open_tracks,
    groupArrayIf(track, NOT is_open) AS closed_tracks
FROM intakes
GROUP BY
    funnel,
    funnel_version,
    cohort;
