-- stored_entries: one row an entry that the people settled had before.
CREATE TEMPORARY TABLE stored_entries AS stage_entries_raw
ENGINE = Memory;
