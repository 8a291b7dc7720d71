-- stored_hits: one row a hit that the people settled had before.
CREATE TEMPORARY TABLE stored_hits AS stage_hits_raw
ENGINE = Memory;
