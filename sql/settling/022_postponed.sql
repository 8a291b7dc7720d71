-- Notes the seeds of a load that came while builds grow, to be settled there later; or that they are.
INSERT INTO postponed_seeds
SELECT
    id,
    known,
    {version:UInt64} AS changed_at,
    {gone:UInt8} AS gone
FROM seeds;
