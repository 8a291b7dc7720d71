"""What the engine's tree leaves out is judged from its own writing."""

import pytest

from funnelhouse.console.statements.functions import Functions
from funnelhouse.console.statements.hidden_clauses import why_no_explain, why_no_show, why_unseen
from funnelhouse.console.statements.tokens import Token, read_tokens
from funnelhouse.console.statements.tree import Node

FUNCTIONS = Functions(frozenset({"sum", "file"}))
ONE_SELECT = Node("SelectWithUnionQuery", "", [Node("SelectQuery", "")])
APPLIED = Node("SelectQuery", "", [Node("ColumnsApplyTransformer", "")])


@pytest.mark.parametrize(
    ("tree", "text"),
    [
        (ONE_SELECT, "SELECT 1 AS n ORDER BY n HIDDEN (SELECT 2)"),
        (Node("ShowTables", ""), "SHOW TABLES HIDDEN (SELECT 1)"),
        (ONE_SELECT, "SELECT 1 HIDDEN file('x')"),
        (ONE_SELECT, "SELECT 1 HIDDEN `file`('x')"),
        (ONE_SELECT, "SELECT * APPLY sum FROM t"),
        (APPLIED, "SELECT * FROM t"),
    ],
)
def test_what_no_tree_shows_is_refused(tree: Node, text: str) -> None:
    """A query, a call, or an APPLY that stands in the text and not in the tree."""
    assert why_unseen(tree, read_tokens(text), FUNCTIONS)


@pytest.mark.parametrize(
    ("tree", "text"),
    [
        (ONE_SELECT, "SELECT 'SELECT file(1)', `SELECT`, sum(n) AS file FROM t"),
        (APPLIED, "SELECT * APPLY sum FROM t"),
        (APPLIED, "SELECT * APPLY (x -> sum(x), 'file(') FROM t"),
    ],
)
def test_texts_and_names_are_no_queries(tree: Node, text: str) -> None:
    """Only words count, and what is called."""
    assert why_unseen(tree, read_tokens(text), FUNCTIONS) == ""


def test_tokens_are_those_of_the_engine() -> None:
    """Escaped quotes end no text and no name; numbers with letters are no words."""
    tokens = read_tokens("`a\\`b` = 'it\\'s' -> 1e5")
    assert [token.kind for token in tokens] == ["quoted", "sign", "text", "sign", "number"]
    assert tokens[2] == Token("text", "'it\\'s'")


@pytest.mark.parametrize("text", ["SHOW TABLES", "SHOW TABLES FROM `a b` NOT LIKE 'x' LIMIT 1"])
def test_a_plain_show_is_taken(text: str) -> None:
    """Of a database, with a pattern and a limit."""
    assert why_no_show(text) == ""


@pytest.mark.parametrize("text", ["SHOW TABLES WHERE 1", "SHOW MERGES", "SHOW TABLES LIKE 'x' x"])
def test_any_other_show_is_refused(text: str) -> None:
    """With a condition, of the server's state, or with something behind."""
    assert why_no_show(text)


def test_settings_of_explain() -> None:
    """Those that only show more, as numbers."""
    assert why_no_explain("EXPLAIN indexes = 1, json = 1\nSELECT 1") == ""
    assert why_no_explain("EXPLAIN AST optimize = 1\nSELECT 1")
    assert why_no_explain("EXPLAIN indexes = 1, max_threads = 1\nSELECT 1")
