-- What a refresh writes into a table: rows that are new or changed, and those that no longer hold as
-- is_deleted. `new` is a model's SELECT, key columns first; `current` gives the rows that it replaces,
-- of which those that it does not make anew go. One insert brings all of a person, so that views show
-- the old rows or the new ones.
SELECT
    * EXCEPT (current_hash),
    {version:UInt64} AS changed_at,
    row_hash = 0 AS gone
FROM
(
    SELECT
        *,
        cityHash64(tuple(*)) AS row_hash
    FROM
    (
        ${new}
    )
) AS new_rows
FULL JOIN
(
    SELECT
        ${key},
        row_hash AS current_hash
    FROM
    (
        ${current}
    )
) AS current_rows
USING (${key})
WHERE row_hash != current_hash
SETTINGS
    optimize_on_insert = 0,
    min_insert_block_size_bytes = 134217728,
    optimize_move_to_prewhere_if_final = 1,
    enable_named_columns_in_function_tuple = 1
