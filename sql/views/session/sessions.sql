-- sessions: one row a session of a person: the tracker's session id, or where none is sent, events
-- with no gap over the session timeout. Midnight and a new campaign split nothing; a server's event
-- opens, extends and splits no session. People are as in `people`: where a login comes while
-- a session lasts, its anonymous part is the user's; two users of one device have two sessions.
-- Entry, channel, campaign and device are of the first event (entry and exit pages of the first and
-- last that tell one); sections and CTAs stand in the order in which they were seen first.
-- guide_section and guide_cta are the last seen or clicked before the guide first opened, and
-- guide_logged_in tells whether the session had a user by then. Bounced: one
-- page or none, nothing clicked, no guide, less than 10 s engaged.
-- Duplicates: copies of an event count as its first copy. Late events may lengthen or join
-- sessions, late logins move them to their people; what no longer holds goes.
CREATE OR REPLACE VIEW sessions AS
SELECT * EXCEPT (changed_at, gone)
FROM sessions_raw FINAL
SETTINGS do_not_merge_across_partitions_select_final = 1;
