-- rejected_raw gets the ids that a rejected event came with, hashed as in experiment_signals_raw.
ALTER TABLE rejected_raw ADD COLUMN IF NOT EXISTS names Array(UInt128) MATERIALIZED arrayMap(
    name -> reinterpretAsUInt128(sipHash128(name.1, name.2)),
    arrayFilter(
        name -> name.2 != '',
        [
            ('session', JSONExtractString(payload, 'context', 'sessionId')),
            ('device', JSONExtractString(payload, 'anonymousId')),
            ('user', JSONExtractString(payload, 'userId'))
        ]
    )
);
