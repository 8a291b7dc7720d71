-- experiment_readouts: one row a variant, metric and day of an experiment: the last readout as of
-- that day. Rates, means and differences are a unit's (a session's for metrics by session); lift is
-- the difference relative to the control. low and high bound an interval of 95 %; always_low and
-- always_high one that holds however often it is looked at. better: probability that the variant beats the
-- control; expected_loss: what choosing it would cost on average, if it is worse.
-- NULL where the data do not suffice, or for the control. verdict: ship, stop, keep running,
-- guardrail broken or not trustworthy; why says it in a sentence.
-- Duplicates: the readout computed last stands here.
CREATE OR REPLACE VIEW experiment_readouts AS
SELECT *
FROM experiment_readouts_raw FINAL;
