-- touched_people: one row a person whose states are settled.
CREATE TEMPORARY TABLE touched_people
(
    person_id String,
    known     Bool
)
ENGINE = Memory;
