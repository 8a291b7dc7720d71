-- owners: one row a device with logins, and its turns in order: until when a person owns it.
CREATE TEMPORARY TABLE owners
(
    anonymous_id String,
    untils       Array(DateTime64(6, 'UTC')),
    person_ids   Array(String)
)
ENGINE = Memory;
