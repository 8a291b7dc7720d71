-- seeds: one row an id, a user's (known) or a device's, whose history may have changed.
CREATE TEMPORARY TABLE seeds
(
    id    String,
    known Bool
)
ENGINE = Memory;
