"""Judges a stranger's statement by the tree that the engine's own parser makes of it.

It must be one statement that reads, over the product's own tables and views, some tables that
tools ask for, and functions listed as harmless. What is judged is what is run: the engine's own
writing of it.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from funnelhouse.console.statements.calls import Calls, name_of
from funnelhouse.console.statements.functions import read_functions
from funnelhouse.console.statements.hidden_clauses import why_no_explain, why_no_show, why_unseen
from funnelhouse.console.statements.tokens import read_tokens
from funnelhouse.console.statements.tree import Node, TreeError, read_tree

MAX_BYTES = 262_144
"""The longest statement that is looked at."""

FORMATS = frozenset(
    {
        *("TabSeparated", "TSV", "TSVRaw", "TabSeparatedWithNames"),
        *("TSVWithNames", "TabSeparatedWithNamesAndTypes", "TSVWithNamesAndTypes", "CSV"),
        *("CSVWithNames", "CSVWithNamesAndTypes", "Values", "Vertical", "JSON", "JSONStrings"),
        *("JSONColumns", "JSONColumnsWithMetadata", "JSONCompact", "JSONCompactStrings"),
        *("JSONEachRow", "JSONLines", "NDJSON", "JSONStringsEachRow", "JSONCompactEachRow"),
        *("JSONCompactEachRowWithNames", "JSONCompactEachRowWithNamesAndTypes"),
        *("JSONCompactColumns", "PrettyJSONEachRow", "JSONObjectEachRow", "Pretty"),
        *("PrettyCompact", "PrettySpace", "PrettyNoEscapes", "PrettyCompactNoEscapes"),
        *("PrettySpaceNoEscapes", "Markdown", "XML", "RowBinary", "RowBinaryWithNames"),
        *("RowBinaryWithNamesAndTypes", "Native", "Arrow", "ArrowStream", "Parquet", "ORC"),
        *("Avro", "MsgPack", "Null", "Raw", "RawBLOB", "LineAsString", "One"),
    }
)
"""Formats of an answer; none reads a template or a schema from anywhere."""

_NO_FORMAT = "TabSeparatedRaw"
"""Stands in a tree where the statement names no format; TSVRaw is the same to who asks for it."""

_SYSTEM_TABLES = frozenset(
    {
        *("one", "numbers", "numbers_mt", "zeros", "zeros_mt", "tables", "columns", "databases"),
        *("functions", "formats", "settings", "data_type_families", "table_functions"),
        *("table_engines", "time_zones", "keywords", "aggregate_function_combinators"),
        *("dictionaries", "clusters", "contributors", "licenses", "collations", "build_options"),
        *("data_skipping_indices", "projections", "documentation", "database_engines"),
    }
)
"""Tables of the engine that tools ask for, and that tell nothing but what there is to be read."""

_INFORMATION_SCHEMA = frozenset(
    {
        *("schemata", "tables", "columns", "views", "key_column_usage", "statistics"),
        *("referential_constraints", "character_sets", "collations", "engines"),
    }
)
_TABLE_FUNCTIONS = frozenset({"numbers", "numbers_mt", "zeros", "zeros_mt"})
_TABLE_FUNCTIONS |= {"generateseries", "generate_series", "values", "null", "primes"}
_TABLE_FUNCTIONS |= {"sqlstandardvalues"}

_PARTS = frozenset(
    {
        *("SelectWithUnionQuery", "SelectIntersectExceptQuery", "SelectQuery", "ExpressionList"),
        *("Literal", "Identifier", "Asterisk", "QualifiedAsterisk", "ColumnsRegexpMatcher"),
        *("ColumnsListMatcher", "QualifiedColumnsRegexpMatcher", "QualifiedColumnsListMatcher"),
        *("ColumnsTransformerList", "ColumnsExceptTransformer", "ColumnsReplaceTransformer"),
        *("ColumnsApplyTransformer",),
        *("ColumnsReplaceTransformer::Replacement", "Function", "Subquery", "WithElement"),
        *("TablesInSelectQuery", "TablesInSelectQueryElement", "TableExpression"),
        *("TableIdentifier", "TableJoin", "ArrayJoin", "OrderByElement", "InterpolateElement"),
        *("WindowListElement", "WindowDefinition", "SampleRatio", "QueryParameter"),
        *("DataType", "NameTypePair"),
    }
)
_SHOWS = frozenset({"ShowTables", "ShowColumns", "ShowIndexes", "ShowFunctions"})
_NAMES = frozenset({"ShowCreateTableQuery", "ShowCreateViewQuery", "ExistsTableQuery"})
_NAMES |= {"ExistsViewQuery", "ExistsDatabaseQuery", "ShowCreateDatabaseQuery"}
_EXPLAINS = frozenset({"EXPLAIN", "EXPLAIN PIPELINE", "EXPLAIN ESTIMATE", "EXPLAIN QUERY TREE"})
_EXPLAINS |= {"EXPLAIN SYNTAX", "EXPLAIN AST"}
_INS = frozenset({"in", "notin", "globalin", "globalnotin", "nullin", "notnullin"})
_PARAMETER = re.compile(r"\{(\w+):[^{}]+\}")


class StatementError(ValueError):
    """A statement that may not be run; as text why, and what may be."""


@dataclass(frozen=True, slots=True)
class Readable:
    """What a statement may read: the product's database, and its views with parameters."""

    database: str
    views: Collection[str]


@dataclass(frozen=True, slots=True)
class Parameter:
    """The value of a parameter as ClickHouse's HTTP protocol has it: escaped, arrays as literals.

    The client would escape a text once more; this it passes on as it is.
    """

    sent: str

    def __str__(self) -> str:
        return self.sent


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement that may be run, as the engine writes it.

    `fmt` is the format that it names, or ""; `parameters` are the values of those that it names.
    """

    text: str
    fmt: str
    parameters: Mapping[str, Parameter]


def judge(
    client: Client, written: str, readable: Readable, parameters: Mapping[str, str] | None = None
) -> Statement:
    """Judge a statement; `client` is one that can only read.

    The engine parses it, and analyses nothing, since analysis alone computes what is constant and
    so reads files. `parameters` are values as ClickHouse's HTTP protocol has them.

    Raises:
        StatementError: it may not be run, or is no statement.
    """
    if len(written.encode(errors="replace")) > MAX_BYTES:
        raise StatementError(f"The statement is longer than {MAX_BYTES} bytes; shorten it.")
    try:
        text = _rewritten(client, written)
        tree = read_tree(_explained(client, text, parameters or {}))
        functions = read_functions(client)
    except ClickHouseError as error:
        raise StatementError(str(error)) from error
    except TreeError as error:
        raise StatementError("The statement has a name that cannot be told from others.") from error
    fmt = _Judgement(readable, text, Calls(functions, tree)).statement(tree)
    _refuse(why_unseen(tree, read_tokens(text), functions))
    return Statement(text, fmt, _named(text, parameters or {}))


def _refuse(told: str) -> None:
    if told:
        raise StatementError(told)


def _rewritten(client: Client, written: str) -> str:
    """Let the engine write a statement anew; more than one is no statement to it."""
    rows = client.query("SELECT formatQuery({q:String})", parameters={"q": written}).result_rows
    return str(rows[0][0])


def _explained(client: Client, text: str, parameters: Mapping[str, str]) -> str:
    given = _named(text, parameters)
    answer = client.raw_query(f"EXPLAIN AST {text}", parameters=given, fmt=_NO_FORMAT)
    return answer.decode(errors="replace")


def _named(text: str, parameters: Mapping[str, str]) -> dict[str, Parameter]:
    """Keep the parameters that a statement names: for others the client would rewrite its text."""
    names = set(_PARAMETER.findall(text))
    return {name: Parameter(value) for name, value in parameters.items() if name in names}


class _Judgement:
    def __init__(self, readable: Readable, text: str, calls: Calls) -> None:
        self._readable = readable
        self._text = text
        self._calls = calls

    def statement(self, tree: Node) -> str:
        """Judge a whole statement; gives the format that it names."""
        children = list(tree.children)
        fmt = ""
        if tree.kind != "UseQuery" and children and children[-1].kind == "Identifier":
            # The last name below the top is the format: the explanation itself asks for one.
            fmt = children.pop().text
        if tree.kind == "SelectWithUnionQuery":
            self._select(tree, children)
        elif tree.kind == "Explain":
            self._explain(tree, children)
        elif tree.kind == "DescribeQuery":
            self._only(children, {"TableExpression"})
            self._nodes(children)
        elif tree.kind in _SHOWS:
            self._only(children, {"Identifier"})
            _refuse(why_no_show(self._text))
        elif tree.kind in _NAMES:
            self._only(children, {"Identifier"})
            self._named(tree, [child.text for child in children])
        else:
            raise StatementError(
                "Only SELECT, SHOW, DESCRIBE, EXPLAIN and EXISTS may be asked here;"
                f" this is {tree.kind}."
            )
        return self._format(fmt)

    def _format(self, fmt: str) -> str:
        if fmt == _NO_FORMAT:
            return ""
        if fmt and fmt not in FORMATS:
            raise StatementError(
                f"The format {fmt} is not given out here; ask for CSV, JSON or Native."
            )
        return fmt

    def _select(self, tree: Node, children: list[Node]) -> None:
        self._only(children, {"ExpressionList"})
        self._nodes([tree.children[0]])

    def _explain(self, tree: Node, children: list[Node]) -> None:
        if tree.text not in _EXPLAINS:
            raise StatementError(f"{tree.text} may not be asked here; write EXPLAIN SELECT.")
        if children and children[0].kind == "Set":
            _refuse(why_no_explain(self._text))
            del children[0]
        self._only(children, {"SelectWithUnionQuery"})
        for select in children:
            inner = [child for child in select.children if child.kind != "Identifier"]
            self._select(select, inner)

    def _only(self, children: list[Node], kinds: Collection[str]) -> None:
        for child in children:
            if child.kind == "Literal":
                raise StatementError("An answer is written into no file; leave INTO OUTFILE out.")
            if child.kind == "Set":
                raise StatementError("Settings cannot be changed here; leave SETTINGS out.")
            if child.kind not in kinds:
                raise StatementError(f"{child.kind} may not be asked here.")

    def _nodes(self, nodes: list[Node]) -> None:
        for top in nodes:
            for node in top.walk():
                self._node(node)

    def _node(self, node: Node) -> None:
        if node.kind == "Set":
            raise StatementError("Settings cannot be changed here; leave SETTINGS out.")
        if node.kind not in _PARTS:
            raise StatementError(f"{node.kind} may not be asked here.")
        if node.kind == "SelectWithUnionQuery":
            self._only(node.children, {"ExpressionList", "SelectIntersectExceptQuery"})
        elif node.kind == "TableIdentifier":
            self._table(name_of(node))
        elif node.kind == "TableExpression":
            self._source(node)
        elif node.kind == "Function":
            self._function(node)
        elif node.kind == "Identifier":
            _refuse(self._calls.why_no_name(node))

    def _source(self, node: Node) -> None:
        for child in node.children:
            if child.kind != "Function":
                continue
            name = name_of(child)
            if not self._is_view(name) and name.lower() not in _TABLE_FUNCTIONS:
                raise StatementError(f"The table function {name} may not be asked here.")

    def _function(self, node: Node) -> None:
        name = name_of(node)
        if self._is_view(name):
            return
        if name.lower() in _TABLE_FUNCTIONS:
            _refuse(self._calls.why_no_source(node))
            return
        _refuse(self._calls.why_no_call(node))
        if name.lower().removesuffix("ignoreset") in _INS and node.children:
            for argument in node.children[0].children[1:]:
                if argument.kind == "Identifier":
                    self._in(name_of(argument))

    def _is_view(self, name: str) -> bool:
        return name.removeprefix(f"{self._readable.database}.") in self._readable.views

    def _in(self, name: str) -> None:
        """Judge what stands right of IN: a column, or a table written as a name."""
        database, dot, _ = name.partition(".")
        if dot and database in {"system", "default", "information_schema", "INFORMATION_SCHEMA"}:
            self._table(name)

    def _named(self, tree: Node, names: list[str]) -> None:
        if "Database" in tree.kind:
            if tree.kind.startswith("Show") and names != [self._readable.database]:
                raise StatementError("Only the product's own database is shown here.")
            return
        self._table(".".join(names))

    def _table(self, name: str) -> None:
        database, dot, table = name.partition(".")
        if not dot or database == self._readable.database:
            return
        if database == "system" and table in _SYSTEM_TABLES:
            return
        schema = database.lower() == "information_schema"
        if schema and table.lower() in _INFORMATION_SCHEMA:
            return
        raise StatementError(
            f"The table {name} may not be read here; read those of {self._readable.database}."
        )
