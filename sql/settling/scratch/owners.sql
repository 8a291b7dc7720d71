-- owners: one row a turn of a device with logins: until when the person owns its anonymous events.
-- The last turn never ends.
CREATE TEMPORARY TABLE owners
(
    anonymous_id String,
    until        DateTime64(6, 'UTC'),
    person_id    String
)
ENGINE = Memory;
