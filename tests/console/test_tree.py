"""The engine's tree is read line by line; what is no single whole tree is refused."""

import pytest

from funnelhouse.console.statements.tree import TreeError, read_tree

WHOLE = """SelectWithUnionQuery (children 1)
 ExpressionList (children 2)
  Function count (alias n) (children 1)
   ExpressionList
  Literal UInt64_1
"""


def test_a_tree_is_read() -> None:
    """Each node has its kind, its text and its children."""
    root = read_tree(WHOLE)
    assert [node.kind for node in root.walk()] == [
        "SelectWithUnionQuery",
        "ExpressionList",
        "Function",
        "ExpressionList",
        "Literal",
    ]
    assert root.children[0].children[0].text == "count (alias n)"


@pytest.mark.parametrize(
    "written",
    [
        "",
        "A\nB\n",
        "A (children 2)\n B\n",
        "A (children 1)\n B\n C\n",
        "A (children 1)\n  B\n",
        "A (children 1)\n B (children 1)\nC\n",
        " A\n",
        "A (children 1)\n\n B\n",
    ],
)
def test_what_is_no_tree_is_refused(written: str) -> None:
    """Two roots, other numbers of children, a line set in too far, and an empty one."""
    with pytest.raises(TreeError):
        read_tree(written)
