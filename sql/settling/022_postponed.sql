-- Notes the seeds of a load that came while builds grow, to be settled there later.
INSERT INTO postponed_seeds
SELECT
    id,
    known
FROM seeds;
