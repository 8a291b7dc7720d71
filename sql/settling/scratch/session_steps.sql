-- session_steps: one row a person settled who entered any step: which, and when, of all builds.
CREATE TEMPORARY TABLE session_steps
(
    person_id String,
    known     Bool,
    steps     Array(Tuple(
        build      LowCardinality(String),
        entered_at DateTime64(6, 'UTC'),
        stage      LowCardinality(String)
    ))
)
ENGINE = Memory;
