-- runs: one row a registered test run. Events that name it and are received from starts_at until
-- ends_at are its own: they stand in `run_events`, and in no other view.
-- Duplicates: a run that was changed stands here once, as it is now.
CREATE OR REPLACE VIEW runs AS
SELECT * EXCEPT changed_at
FROM runs_raw FINAL;
