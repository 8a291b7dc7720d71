-- sessions: one row a session of a person: the tracker's session id, or where none is sent, events
-- with no gap over the session timeout. Midnight and a new campaign split nothing; a server's event
-- opens, extends and splits no session. People are as in `people`: where a login comes while
-- a session lasts, its anonymous part is the user's; two users of one device have two sessions.
-- Entry, channel, campaign and device are of the first event (entry and exit pages of the first and
-- last that tell one); sections and CTAs stand in the order in which they were seen first.
-- guide_section and guide_cta are the last seen or clicked before the guide first opened, and
-- guide_logged_in tells whether the session had a user by then. Bounced: one page or none, nothing
-- clicked, no guide, less than 10 s engaged. stages_entered are the steps that the person entered from
-- begin to end, whoever told of it, as funnel:stage in order, of the funnels' versions in force on the
-- day; converted: a step among them is not a funnel's first. What comes later is for attribution.
-- Duplicates: copies of an event count as its first copy. Late events may lengthen or join
-- sessions, late logins move them to their people; what no longer holds goes.
CREATE OR REPLACE VIEW sessions AS
WITH
    versions AS
    (
        SELECT groupArray((build, valid_from, valid_until, funnel))
        FROM funnels
    ),
    first_steps AS
    (
        SELECT groupArray((build, stage))
        FROM stages
        WHERE kind = 'step' AND stage_position = 1
    )
SELECT
    * EXCEPT steps,
    arrayMap(
        step -> concat(
            arrayFirst(version -> version.1 = step.build, (SELECT * FROM versions)).4, ':', step.stage
        ),
        arraySort(step -> (step.entered_at, step.build, step.stage), steps)
    ) AS stages_entered,
    arrayExists(step -> NOT has((SELECT * FROM first_steps), (step.build, step.stage)), steps) AS converted
FROM
(
    SELECT
        * EXCEPT (entered, is_timed, row_hash, changed_at, gone),
        arrayFilter(
            step -> arrayExists(
                version -> version.1 = step.build
                    AND toDate(started_at, '${timezone}') BETWEEN version.2 AND version.3,
                (SELECT * FROM versions)
            ),
            entered
        ) AS steps
    FROM sessions_raw FINAL
)
SETTINGS do_not_merge_across_partitions_select_final = 1;
