-- actors: the user ids that an alias joined with another; any other id is a person of its own.
CREATE TEMPORARY VIEW actors AS
SELECT
    user_id AS actor,
    true AS known,
    person_id
FROM aliased_users FINAL;
