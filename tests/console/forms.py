"""Every form in which a statement can bring the engine to run a function by its name.

`@` stands for the function, `^` for its name with the first letter escaped, `#` for a text that is
handed to it, and `%` for what it makes of it. With an allow-listed function each form passes, and
its answer holds what the function makes, or says `answered`.
"""

CALLS = (
    "SELECT @(#)",
    "SELECT `@`(#)",
    'SELECT "@"(#)',
    "SELECT `^`(#)",
    'SELECT "^"(#)',
    "SELECT /* x */ @ /* y */ (#)",
    "(SELECT @(#))",
    "SELECT [@(#)], tuple(@(#)), map('a', @(#))",
    "SELECT if(1, @(#), ''), CASE WHEN 1 THEN @(#) ELSE '' END, coalesce(NULL, @(#))",
    "SELECT @(#) || '', @(#)::String, CAST(@(#) AS Nullable(String)), concat(@(#))",
    "SELECT @({text:String})",
    "SELECT @(s) FROM (SELECT # AS s)",
    "SELECT @(materialize(#))",
)
"""Called."""

HANDED = (
    "SELECT arrayMap(@, [#])",
    "SELECT arrayMap(`@`, [#])",
    'SELECT arrayMap("@", [#])',
    "SELECT arrayMap(`^`, [#])",
    "SELECT arrayMap((@ AS q), [#])",
    "SELECT arrayMap({f:Identifier}, [#])",
    "SELECT arrayMap((({f:Identifier})), [#])",
    "SELECT arrayMap(@, [#]) WHERE 0 UNION ALL SELECT arrayMap(@, [#])",
    "SELECT arrayMap(@, groupArray(s)) FROM (SELECT # AS s)",
    "SELECT arrayMap(x -> arrayMap(@, [x])[1], [#])",
    "SELECT arrayConcat([], arrayMap(@, [#]))",
    "WITH [#] AS texts SELECT arrayMap(@, texts)",
    "SELECT arrayMap(@, [#]) AS a, arrayMap(@, [#]) AS b ORDER BY a",
)
"""A bare name handed to a higher-order function, which the engine takes for a function."""

LAMBDAS = (
    "SELECT arrayMap(x -> @(x), [#])",
    "SELECT arrayMap(x -> `^`(x), [#])",
    "SELECT arrayMap((x, y) -> @(x), [#], [1])",
    "SELECT arrayMap(lambda(tuple(x), @(x)), [#])",
    "SELECT arrayMap(x -> arrayMap(y -> @(y), [x]), [#])",
    "WITH (x -> @(x)) AS g SELECT g(#)",
    "WITH (x -> @(x)) AS g SELECT arrayMap(g, [#])",
    "WITH (x -> @(x)) AS g, (x -> g(x)) AS h SELECT h(#)",
    "SELECT arrayFold((acc, x) -> concat(acc, @(x)), [#], '')",
    "SELECT mapApply((k, v) -> (k, @(v)), map('a', #))",
    "SELECT arrayMap(x -> 'answered', arrayFilter(x -> @(x) = %, [#]))",
)
"""Within a lambda, nested, or behind an alias of one."""

TRANSFORMERS = (
    "SELECT * APPLY(@) FROM (SELECT # AS a)",
    "SELECT * APPLY @ FROM (SELECT # AS a)",
    "SELECT * APPLY(`^`) FROM (SELECT # AS a)",
    "SELECT * APPLY(@, 'p_') FROM (SELECT # AS a)",
    "SELECT * APPLY(toString) APPLY(@) FROM (SELECT # AS a)",
    "SELECT * APPLY(x -> @(x)) FROM (SELECT # AS a)",
    "SELECT * APPLY(x -> if(x = '', '', @(x))) FROM (SELECT # AS a)",
    "SELECT * APPLY(x -> replace(@(x), 'zz', 'z')) FROM (SELECT # AS a)",
    "SELECT * APPLY(x -> REPLACE(@(x), 'zz', 'z')) FROM (SELECT # AS a)",
    "SELECT t.* APPLY(@) FROM (SELECT # AS a) AS t",
    "SELECT COLUMNS('a') APPLY(@) FROM (SELECT # AS a)",
    "SELECT COLUMNS(a) APPLY(@) FROM (SELECT # AS a)",
    "SELECT t.COLUMNS('a') APPLY(@) FROM (SELECT # AS a) AS t",
    "SELECT * EXCEPT (b) APPLY(@) FROM (SELECT # AS a, 1 AS b)",
    "SELECT * REPLACE(@(a) AS a) FROM (SELECT # AS a)",
    "SELECT tuple(* APPLY(@)) FROM (SELECT # AS a)",
)
"""Transformers of columns."""

CLAUSES = (
    "SELECT (SELECT @(#))",
    "SELECT 'answered' WHERE % IN (SELECT @(#))",
    "SELECT 'answered' WHERE EXISTS (SELECT 1 WHERE @(#) = %)",
    "SELECT 'answered' WHERE % = ANY (SELECT @(#))",
    "WITH t AS (SELECT @(#) AS s) SELECT s FROM t",
    "WITH t(s) AS (SELECT @(#)) SELECT s FROM t",
    "WITH @(#) AS s SELECT s",
    "WITH (SELECT @(#)) AS s SELECT s",
    (
        "WITH RECURSIVE t AS (SELECT 1 AS n, # AS s UNION ALL SELECT 2, @(s) FROM t WHERE n < 2)"
        " SELECT s FROM t"
    ),
    "SELECT '' AS s WHERE 0 UNION ALL SELECT @(#)",
    "SELECT @(#) INTERSECT SELECT @(#)",
    "SELECT @(#) EXCEPT SELECT ''",
    "SELECT 'answered' FROM numbers(1) AS a JOIN numbers(1) AS b ON a.number = 0 AND @(#) = %",
    "SELECT s FROM numbers(1) ARRAY JOIN [@(#)] AS s",
    "SELECT 'answered' FROM canaries PREWHERE @(path) = %",
    "SELECT 'answered' WHERE @(#) = %",
    "SELECT any('answered') FROM numbers(2) GROUP BY @(#) HAVING @(#) = %",
    "SELECT @(#) AS s FROM numbers(2) GROUP BY GROUPING SETS ((s), (number))",
    "SELECT max('answered') FROM numbers(2) HAVING @(#) = %",
    "SELECT 'answered' QUALIFY row_number() OVER (ORDER BY @(#)) = (@(#) = %)",
    "SELECT ['', 'answered'][number] FROM numbers(1, 2) ORDER BY (@(#) = %) * -number LIMIT 1",
    "SELECT 'answered' LIMIT length(@(#))",
    "SELECT 'answered' LIMIT 1 OFFSET multiply(length(@(#)), 0)",
    "SELECT concat(@(#), toString(number)) FROM numbers(2) LIMIT 1 BY @(#)",
    "SELECT DISTINCT ON (@(#)) 'answered'",
    "SELECT 1 AS n, 'answered' ORDER BY n WITH FILL FROM length(@(#)) TO length(@(#)) + 1",
    "SELECT 1 AS n, '' AS s ORDER BY n WITH FILL TO 3 INTERPOLATE (s AS @(#))",
    "SELECT any('answered') OVER (PARTITION BY @(#) ORDER BY @(#))",
    "SELECT any('answered') OVER w FROM numbers(1) WINDOW w AS (PARTITION BY @(#))",
    "SELECT 'answered' FROM numbers(length(@(#))) LIMIT 1",
    "SELECT * FROM values('s String', @(#))",
    "SELECT * FROM (VALUES (1, @(#)))",
    "SELECT anyIf('answered', @(#) = %), sum(1) FILTER (WHERE @(#) = %)",
    "SELECT s FROM (SELECT s FROM (SELECT @(#) AS s))",
    "SELECT @(#) FORMAT TSV",
)
"""In each clause and each kind of statement."""

EXPLAINS = (
    "EXPLAIN SELECT @(#)",
    "EXPLAIN AST SELECT @(#)",
    "EXPLAIN SYNTAX SELECT @(#)",
    "EXPLAIN QUERY TREE SELECT @(#)",
    "EXPLAIN QUERY TREE SELECT arrayMap(@, [#])",
    "EXPLAIN PIPELINE SELECT @(#)",
    "EXPLAIN ESTIMATE SELECT @(#)",
    "EXPLAIN indexes = 1 SELECT @(#)",
    "DESCRIBE (SELECT @(#))",
    "DESCRIBE TABLE (SELECT arrayMap(@, [#]))",
)
"""Statements that analyse another; what they show is theirs."""

SCALARS = (*CALLS, *HANDED, *LAMBDAS, *TRANSFORMERS, *CLAUSES)
"""Forms of a function of one text."""

AGGREGATES = (
    "SELECT @(#)",
    "SELECT @If(#, 1)",
    "SELECT @Map(map('a', #))",
    "SELECT @ForEach([#])",
    "SELECT @Array([#])",
    "SELECT @Resample(0, 2, 1)(#, 1)",
    "SELECT @Distinct(#)",
    "SELECT @OrNull(#), @OrDefault(#)",
    "SELECT @ArgMin(#, 1), @ArgMax(#, 1)",
    "SELECT @ForEachMap(map('a', [#]))",
    "SELECT finalizeAggregation(@State(#))",
    "SELECT @Merge(s) FROM (SELECT @State(#) AS s)",
    "SELECT @(#) OVER ()",
    "SELECT @If(#, 1) OVER (ORDER BY number ROWS 1 PRECEDING) FROM numbers(1)",
    "SELECT @(#) FILTER (WHERE 1)",
    "SELECT arrayReduce('@', [#])",
    "SELECT arrayReduce('@If', [#], [1])",
    "SELECT arrayReduceInRanges('@', [(1, 1)], [#])",
    "SELECT finalizeAggregation(initializeAggregation('@State', #))",
    (
        "SELECT finalizeAggregation(CAST(initializeAggregation('@State', #) AS AggregateFunction(@,"
        " String)))"
    ),
    "SELECT * APPLY(@) FROM (SELECT # AS a)",
    "SELECT * APPLY(@Distinct) FROM (SELECT # AS a)",
)
"""Forms of an aggregate function: combinators, windows, and names that stand as text."""

DEAD = (
    "WITH @ AS g SELECT arrayMap(g, [#])",
    "WITH @ AS g, g AS h SELECT arrayMap(h, [#])",
    "SELECT arrayMap(g, [#]), @ AS g",
    "WITH @ AS g SELECT g(#)",
    "SELECT arrayMap(x -> @, [#])",
    "SELECT * APPLY(x -> arrayMap(@, [x])) FROM (SELECT # AS a)",
    "SELECT * APPLY(x -> (SELECT @(x))) FROM (SELECT # AS a)",
    "SELECT * APPLY(x -> REPLACE(arrayMap(@, [x])[1], 'a', 'b')) FROM (SELECT # AS a)",
    "SELECT * APPLY(x -> NOT REPLACE(arrayMap(@, [x])[1], 'a', 'b')) FROM (SELECT # AS a)",
    "SELECT * APPLY(x -> -FORMAT('{}', arrayMap(@, [x])[1])) FROM (SELECT # AS a)",
    "SELECT * APPLY(sum) APPLY(x -> x + length(arrayMap(@, [x]))) FROM (SELECT # AS a)",
    "SELECT * APPLY(@ -> arrayMap(@, [x])) FROM (SELECT # AS a)",
    "SELECT * APPLY({f:Identifier}) FROM (SELECT # AS a)",
    "SELECT (x -> x) AS @, @(#)",
    "SELECT @(#), (SELECT (x -> x) AS @)",
    "SELECT arrayMap(@, [#]), (SELECT 1 AS @)",
    "SELECT `system.@`(#)",
    "SELECT a.@(#) FROM (SELECT 1 AS a)",
    "SELECT arrayReduce(concat('', '@'), [#])",
    "SELECT arrayMap(arrayReduce, ['@'], [[#]])",
    "SELECT CAST('', concat('AggregateFunction(', '@, String)'))",
    "SELECT * FROM view(SELECT @(#))",
    "SELECT * FROM viewIfPermitted(SELECT @(#) ELSE null('s String'))",
    "SELECT * FROM (EXPLAIN SELECT @(#))",
    "SELECT @(#) INTO OUTFILE '/nowhere/x'",
    "SELECT 1 SETTINGS max_threads = @(#)",
    "SHOW TABLES WHERE @(#) != ''",
    "SHOW COLUMNS FROM events WHERE @(#) != ''",
    "SHOW INDEXES FROM events WHERE arrayMap(@, [#]) != []",
    "SHOW TABLES LIMIT length(@(#))",
    "EXPLAIN AST optimize = 1 SELECT @(#)",
    "EXPLAIN TABLE OVERRIDE @(#) PARTITION BY 1",
    "DESCRIBE @(#)",
    "SELECT * FROM @(#)",
)
"""Forms that the engine or the judge refuses of every function; they stay refused."""


def fill(form: str, function: str, text: str = "'x'", made: str = "''") -> str:
    """Write a form of a function; the escaped writing is another one of the same name."""
    escaped = f"\\x{ord(function[0]):02x}{function[1:]}"
    return form.replace("^", escaped).replace("@", function).replace("#", text).replace("%", made)
