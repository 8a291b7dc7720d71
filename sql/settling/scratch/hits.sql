-- hits: one row an event by which the people settled reached a stage, as it is now.
CREATE TEMPORARY TABLE hits AS stage_hits_raw
ENGINE = Memory;
