-- actors: one row an id whose events may be of the people settled; a user's with its person.
CREATE TEMPORARY TABLE actors
(
    actor     String,
    known     Bool,
    person_id String
)
ENGINE = Memory;
