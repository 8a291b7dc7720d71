-- alert_states: one row an alert and what it is about: since when, and until when where it is over.
-- Duplicates: a condition that came again stands here as it was last.
CREATE OR REPLACE VIEW alert_states AS
SELECT * EXCEPT at
FROM alert_states_raw FINAL;
