-- Counts the events of one forgetting. Under its number a repetition changes nothing.
INSERT INTO forgotten_raw (forgetting, source, minute, outcome, events)
SELECT
    {forgetting:String},
    source,
    minute,
    outcome,
    sum(events)
FROM forget_counts
GROUP BY
    source,
    minute,
    outcome;
