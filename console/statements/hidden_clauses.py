"""Judges what the engine's tree of a statement does not show: APPLY, SHOW and EXPLAIN's settings.

What the tree shows is judged there; these parts are read from the engine's own writing, and may
hold only what is listed here. Each answer is why a part is refused, or "".
"""

import re
from collections.abc import Sequence
from itertools import pairwise

from funnelhouse.console.statements.apply import why_no_apply
from funnelhouse.console.statements.functions import Functions
from funnelhouse.console.statements.tokens import Token
from funnelhouse.console.statements.tree import Node

_NAME = r"(?:\w+|`(?:[^`\\]|\\.)+`)"
_SHOW = re.compile(
    r"SHOW (?:(?:FULL|EXTENDED) )*"
    r"(?:TABLES|COLUMNS|INDEXES|DATABASES|FUNCTIONS|DICTIONARIES|(?:CHANGED )?SETTINGS)"
    rf"(?: FROM {_NAME}(?:\.{_NAME})?)?(?: FROM {_NAME})?"
    r"(?: (?:NOT )?I?LIKE '(?:[^'\\]|\\.)*')?(?: LIMIT \d+)?(?:\nFORMAT \w+)?"
)
_PLAN = "header|description|indexes|projections|actions|sorting|keep_logical_steps|json|compact"
_PLAN += "|distributed|graph|run_passes|dump_passes|dump_ast|dump_tree|passes|oneline|estimates"
_PLAN_SETTINGS = re.compile(
    rf"EXPLAIN(?: (?:PIPELINE|SYNTAX|QUERY TREE))? (?:{_PLAN}) = \d+(?:, (?:{_PLAN}) = \d+)*\n"
)


def why_no_show(text: str) -> str:
    """Judge a SHOW as a whole: its conditions are expressions, and stand in no tree."""
    if _SHOW.fullmatch(text):
        return ""
    return "SHOW takes FROM, LIKE and LIMIT here; for conditions ask system.tables or its like."


def why_no_explain(text: str) -> str:
    """Judge the settings of an EXPLAIN."""
    if _PLAN_SETTINGS.match(text):
        return ""
    return "This setting of EXPLAIN cannot be asked here; write EXPLAIN indexes = 1 SELECT."


def why_unseen(tree: Node, tokens: Sequence[Token], functions: Functions) -> str:
    """Judge what the tree of a statement may have left out: APPLY, and any query or call."""
    kinds = [node.kind for node in tree.walk()]
    if tokens.count(Token("word", "SELECT")) != kinds.count("SelectQuery"):
        return "A SELECT stands where none is looked at; write it as a subquery in FROM."
    for name, token in pairwise(tokens):
        if token.text == "(" and not name.is_sign and functions.is_unlisted(name.name):
            return f"The function {name.name} may not be asked here."
    places = [at for at, token in enumerate(tokens) if token == Token("word", "APPLY")]
    if len(places) != kinds.count("ColumnsApplyTransformer"):
        return "APPLY is no name here; write it in small letters."
    told = (why_no_apply(tokens[at + 1 :], functions) for at in places)
    return next(filter(None, told), "")
