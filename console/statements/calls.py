"""Judges the calls and the bare names of a statement's tree; each answer is why not, or "".

Whatever the engine could take for a function must be listed: a call, a name handed to a function,
a name alone, and the names that some functions take as text.
"""

import re

from funnelhouse.console.statements.functions import (
    BY_THE_PARSER,
    TAKES_FUNCTION_NAME,
    TAKES_TYPE_FIRST,
    TAKES_TYPE_LAST,
    TAKES_TYPE_SECOND,
    Functions,
    takes_function,
)
from funnelhouse.console.statements.tree import Node

# The tree comes as tab-separated values, which escape quotes.
_TEXT = re.compile(r"\\?'(.*?)\\?'", re.DOTALL)
_FUNCTION = re.compile(r"(\w+)(?:\([^()]*\))?")


class Calls:
    """The calls and names of one tree: what they may be depends on the aliases in it."""

    def __init__(self, functions: Functions, tree: Node) -> None:
        self._functions = functions
        named = [(node, name_of(node), alias_of(node)) for node in tree.walk()]
        self._lambdas = {
            alias for node, name, alias in named if node.kind == "Function" and name == "lambda"
        }
        self._handed = _aliases(
            {(name, alias) for node, name, alias in named if node.kind == "Identifier" and alias},
            functions,
        )

    def why_no_call(self, node: Node) -> str:
        """Judge a call by its name, by what is handed to it, and by the names in its texts."""
        name = name_of(node)
        if not self._may_be_called(name):
            return f"The function {name} may not be asked here."
        arguments = node.children[0].children if node.children else []
        if takes_function(name) or name in self._lambdas:
            for argument in arguments:
                if argument.kind == "Identifier" and not self._may_be_handed(name_of(argument)):
                    return f"The function {name_of(argument)} may not be asked here."
        return self._why_no_text(name.lower(), arguments)

    def why_no_source(self, node: Node) -> str:
        """Judge the types that a table function names."""
        return self._why_no_text(name_of(node).lower(), node.children[0].children)

    def why_no_name(self, node: Node) -> str:
        """Judge a bare name wherever it stands."""
        name = name_of(node)
        if self._functions.may_be_column(name):
            return ""
        return (
            f"{name} is the name of a function that may not be asked here; write a column of that"
            f" name with its table, as in events.{name}."
        )

    def _may_be_called(self, name: str) -> bool:
        if name in self._lambdas and self._functions.is_free(name):
            return True
        return name in BY_THE_PARSER or self._functions.may_be_called(name)

    def _may_be_handed(self, name: str) -> bool:
        return name not in self._handed and self._functions.may_be_handed(name)

    def _why_no_text(self, name: str, arguments: list[Node]) -> str:
        """Judge the functions that a text names: it must stand there as a text."""
        told = f"Write what {name} makes as a plain text, of functions that may be asked here."
        if name in TAKES_FUNCTION_NAME:
            match = _FUNCTION.fullmatch(_text_of(arguments[0])) if arguments else None
            return "" if match and self._functions.may_be_called(match[1]) else told
        if name in TAKES_TYPE_LAST | TAKES_TYPE_SECOND | TAKES_TYPE_FIRST and arguments:
            place = 1 if name in TAKES_TYPE_SECOND else 0 if name in TAKES_TYPE_FIRST else -1
            argument = arguments[min(place, len(arguments) - 1)]
            if name in TAKES_TYPE_FIRST and argument.kind != "Literal":
                return ""
            written = _text_of(argument)
            return "" if written and self._functions.may_be_type(written) else told
        return ""


def name_of(node: Node) -> str:
    """Give the name that a node bears, without its alias."""
    return node.text.partition(" (alias ")[0]


def alias_of(node: Node) -> str:
    """Give the alias of a node, or ""."""
    return node.text.partition(" (alias ")[2].removesuffix(")")


def _text_of(node: Node) -> str:
    """Give the text that a node is, or "" where it is none."""
    match = _TEXT.fullmatch(name_of(node)) if node.kind == "Literal" else None
    return match[1] if match else ""


def _aliases(named: set[tuple[str, str]], functions: Functions) -> set[str]:
    """Give all aliases that stand for a name which may not be handed over, by others too."""
    found: set[str] = set()
    for _ in named:
        found |= {a for name, a in named if name in found or not functions.may_be_handed(name)}
    return found
