"""Judges what stands right of APPLY, which the engine's tree of a statement does not show.

It is a function with or without parameters, or a lambda that computes from its argument alone,
with a prefix for the columns or without. The answer is why it is refused, or "".
"""

from collections.abc import Sequence
from itertools import pairwise

from funnelhouse.console.statements.functions import TAKES_NAME, Functions
from funnelhouse.console.statements.tokens import Token

_WORDS = frozenset({"AND", "OR", "NOT", "IS", "NULL", "DISTINCT", "FROM", "LIKE", "ILIKE", "IN"})
_WORDS |= {"true", "false"}
_SIGNS = frozenset({*"+-*/%=!<>,()[]", "->"})
_CLAUSES = frozenset({"FROM", "PREWHERE", "WHERE", "GROUP", "HAVING", "WINDOW", "QUALIFY", "ORDER"})
_CLAUSES |= {
    "LIMIT",
    "OFFSET",
    "UNION",
    "INTERSECT",
    "EXCEPT",
    "REPLACE",
    "APPLY",
    "INTO",
    "FORMAT",
}
_END = Token("sign", "")


def why_no_apply(tokens: Sequence[Token], functions: Functions) -> str:
    """Judge the tokens that follow APPLY, to the end of the statement."""
    wrapped = tokens[:1] == [Token("sign", "(")]
    part = _part(tokens[1:] if wrapped else tokens, ends_at_comma=not wrapped)
    parameter = part[0].name if part[1:2] == [Token("sign", "->")] else ""
    if parameter and not functions.may_be_handed(parameter):
        return f"The name {parameter} is that of a function; write x -> f(x) after APPLY."
    for token, after in pairwise([*part, _END]):
        if not _fits(token, after, parameter, functions):
            return (
                f"{token.text} cannot be asked after APPLY; write APPLY(f), or APPLY(x -> f(x)) of"
                " x alone."
            )
    return ""


def _fits(token: Token, after: Token, parameter: str, functions: Functions) -> bool:
    if token.kind in {"text", "number"}:
        return True
    if token.is_sign:
        return token.text in _SIGNS
    if token.text in _WORDS or (parameter and token.name == parameter):
        return True
    called = after.text == "(" or not parameter
    name = token.name
    return called and functions.may_be_called(name) and name.lower() not in TAKES_NAME


def _part(tokens: Sequence[Token], *, ends_at_comma: bool) -> list[Token]:
    """Cut off what belongs to one APPLY: up to a bracket that closes none, a comma or a clause."""
    part: list[Token] = []
    depth = 0
    for token in tokens:
        depth += (token.text in {"(", "["}) - (token.text in {")", "]"})
        comma = ends_at_comma and token.text == ","
        if depth < 0 or (depth == 0 and (comma or _ends(part, token))):
            break
        part.append(token)
    return part


def _ends(part: Sequence[Token], token: Token) -> bool:
    """Whether a word opens a clause: REPLACE and FORMAT are functions too where a value may stand.

    The engine writes operators of a lambda within brackets, so a word after a value ends it.
    """
    if token.kind != "word" or token.text not in _CLAUSES or not part:
        return False
    last = part[-1]
    return last.text in {")", "]"} or not (last.is_sign or last.text in _WORDS)
