-- entries: one row an entry of the people settled, as it is now.
CREATE TEMPORARY TABLE entries AS stage_entries_raw
ENGINE = Memory;
