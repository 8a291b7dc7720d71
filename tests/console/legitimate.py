"""Statements that analysts and their tools send, and that must be taken and answered.

Those of tools are written as the tools write them: Metabase, Superset, Grafana, dbt, JDBC and
clickhouse-connect.
"""

ANALYSTS = (
    "SELECT number FROM numbers(2) WHERE EXISTS (SELECT 1 FROM events)",
    "SELECT count() FROM events AS e WHERE NOT EXISTS (SELECT 1 FROM sessions WHERE 0)",
    "SELECT * APPLY(max) FROM (SELECT source, event_name FROM events)",
    "SELECT COLUMNS('x') APPLY(avg) FROM (SELECT 1 AS x1, 2 AS x2)",
    "SELECT * APPLY(sum) FROM (SELECT 1 AS a, 2 AS b)",
    "SELECT * EXCEPT (b) APPLY(toString) APPLY(length) FROM (SELECT 1 AS a, 2 AS b)",
    "SELECT COLUMNS('a') APPLY(quantiles(0.5, 0.9)) FROM (SELECT 1 AS a)",
    "SELECT * APPLY(x -> round(x * 100 / 3, 2)) FROM (SELECT 1 AS a)",
    "SELECT * APPLY(x -> if(x > 1 AND x < 9, 'a', replace(toString(x), '1', 'b'))) FROM (SELECT 1)",
    "SELECT * APPLY(sum, 'total_') FROM (SELECT 1 AS a)",
    "SELECT t.* APPLY(any) FROM numbers(3) AS t",
    "SELECT untuple(tuple(1, 2)), grouping(number) FROM numbers(2) GROUP BY ROLLUP(number)",
    "SELECT number % 2 AS n, count() FROM numbers(9) GROUP BY GROUPING SETS ((n), ())",
    "SELECT * FROM (VALUES (1, 'a'), (2, 'b'))",
    "SELECT * FROM VALUES('a UInt8, b String', (1, 'x'))",
    "WITH (x -> x * 2) AS twice SELECT twice(number), arrayMap(twice, [1, 2]) FROM numbers(2)",
    "WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t WHERE n < 5) SELECT * FROM t",
    "SELECT archived_files.file FROM archived_files",
    "SELECT f.file FROM archived_files AS f ORDER BY f.file",
    "SELECT file, count() FROM archived_files GROUP BY file",
    "SELECT domain(page_url) AS hostname, count() AS n FROM events GROUP BY hostname ORDER BY n",
    "SELECT hostname AS host FROM (SELECT domain(page_url) AS hostname FROM events)",
    "SELECT arrayReduce('sum', [1, 2]), arrayReduce('quantile(0.5)', [1, 2])",
    "SELECT initializeAggregation('sumState', number) FROM numbers(2)",
    "SELECT arrayFold(acc, x -> acc + x, [1, 2, 3], toInt64(0))",
    "SELECT JSONExtract('{\"a\": 1}', 'a', 'UInt8'), accurateCastOrDefault('x', 'UInt8', 5)",
    "SELECT CAST(now() AS DateTime('Asia/Seoul')), '1'::UInt8, [1]::Array(UInt8)",
    "SELECT sum(number) OVER w, row_number() OVER w FROM numbers(3) WINDOW w AS (ORDER BY number)",
    "SELECT number, lagInFrame(number, 1) OVER (ORDER BY number ROWS 1 PRECEDING) FROM numbers(3)",
    "SELECT number AS n FROM numbers(3) QUALIFY row_number() OVER (ORDER BY n DESC) = 1",
    (
        "SELECT number AS n, 1 AS v FROM numbers(3) ORDER BY n WITH FILL FROM 0 TO 5 STEP 1 "
        "INTERPOLATE (v AS v + 1)"
    ),
    "SELECT number FROM numbers(9) ORDER BY number LIMIT 1 BY number % 3 LIMIT 2 WITH TIES",
    "SELECT DISTINCT ON (number % 2) number FROM numbers(4) ORDER BY number",
    "SELECT sum(number) FILTER (WHERE number > 1) FROM numbers(4)",
    "SELECT number = ANY (SELECT 1), number > ALL (SELECT 0) FROM numbers(2)",
    "SELECT sumMap(m), maxMap(m), sumMapState(m) FROM (SELECT map('a', 1) AS m)",
    "SELECT sumForEach([1, 2]), sumResample(0, 3, 1)(1, number), countOrNull() FROM numbers(2)",
    "SELECT now(), CURRENT_DATE, current_timestamp, today(), yesterday()",
    "SELECT EXTRACT(YEAR FROM now()), DATE_TRUNC('month', today()), DATE_ADD(DAY, 1, today())",
    "SELECT toDateTime('2024-01-01 00:00:00', 'UTC') AT TIME ZONE 'Asia/Seoul'",
    "SELECT {day:Date} AS d, {name:String} AS n, {names:Array(String)} AS a",
    "SELECT {column:Identifier} FROM events LIMIT 0",
    "SELECT a.source FROM events AS a LEFT JOIN sessions AS s USING (session_id) LIMIT 1",
    "EXPLAIN indexes = 1 SELECT * FROM events_raw WHERE source = 'web'",
    "EXPLAIN PLAN header = 1, actions = 1 SELECT 1",
    "EXPLAIN PIPELINE graph = 1, compact = 0 SELECT 1",
    "SHOW FULL TABLES FROM funnelhouse LIKE 'funnel%' LIMIT 5",
    "SHOW FULL COLUMNS FROM events FROM funnelhouse",
    "SHOW SETTINGS LIKE 'max_threads'",
    "SHOW TABLES LIKE 'events' FORMAT JSON",
    "SELECT cast, reinterpret FROM (SELECT 1 AS cast, 2 AS reinterpret)",
    "SHOW FUNCTIONS LIKE 'array%'",
)
TOOLS = (
    # clickhouse-connect, when it connects
    "SELECT version(), timezone()",
    "SELECT name, value, readonly as readonly FROM system.settings LIMIT 10000",
    # Metabase: its connection test, its tables, a question, a question upon a question
    "SELECT 1",
    (
        "SELECT `source`.`day` AS `day`, SUM(`source`.`n`) AS `sum` FROM (SELECT "
        "toDate(event_time) AS `day`, 1 AS `n` FROM `funnelhouse`.`events`) AS `source` GROUP"
        " BY `source`.`day` ORDER BY `source`.`day` ASC"
    ),
    (
        "SELECT parseDateTimeBestEffort('2024-01-01T00:00:00Z'), dateTrunc('week', "
        '"funnelhouse"."events"."event_time") FROM "funnelhouse"."events" LIMIT 2'
    ),
    # Superset: its tables and columns, a chart upon a virtual data set, its way of limits
    "SELECT name FROM system.tables WHERE database = 'funnelhouse'",
    "SHOW TABLES FROM `funnelhouse`",
    "DESCRIBE TABLE `funnelhouse`.`events`",
    (
        "SELECT hostname AS hostname, count(*) AS `count` FROM (SELECT domain(page_url) AS "
        "hostname FROM events) AS virtual_table GROUP BY hostname ORDER BY `count` DESC LIMIT"
        " 1000"
    ),
    (
        "SELECT toStartOfDay(toDateTime(`event_time`)) AS `__timestamp`, COUNT(*) AS "
        "`COUNT(*)` FROM `funnelhouse`.`events` WHERE `event_time` >= toDateTime('2024-01-01 "
        "00:00:00') GROUP BY toStartOfDay(toDateTime(`event_time`)) ORDER BY `COUNT(*)` DESC "
        "LIMIT 10000"
    ),
    # Grafana: its macros written out
    (
        'SELECT toStartOfInterval(toDateTime(event_time), INTERVAL 60 second) as "time", '
        "count() AS events FROM events WHERE event_time >= toDateTime(1704067200) AND "
        "event_time <= toDateTime(1735689600) GROUP BY time ORDER BY time ASC"
    ),
    "SELECT toUnixTimestamp64Milli(event_time) AS t, groupArray(source) FROM events GROUP BY 1",
    "SELECT DISTINCT name FROM system.databases",
    # dbt: what it asks of a source, and a test of its own
    (
        "SELECT count(*) AS failures, count(*) != 0 AS should_warn, count(*) != 0 AS "
        "should_error FROM (SELECT event_id FROM (SELECT * FROM `funnelhouse`.`events`) AS t "
        "WHERE event_id IS NULL) AS dbt_internal_test"
    ),
    (
        "select t.name as name, t.database as schema, if(engine not in ('MaterializedView', "
        "'View'), 'table', 'view') as type, db.engine as db_engine from system.tables as t "
        "JOIN system.databases as db on t.database = db.name where schema = 'funnelhouse'"
    ),
    "SELECT * FROM (SELECT * FROM events) AS model_subq WHERE false AND 1=0 LIMIT 0",
)
