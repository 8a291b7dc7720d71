"""What a name may mean to the engine: the functions that it knows, and which of them are listed.

The engine takes a bare name for a function in two places: handed to a higher-order function, as in
arrayMap(file, …), and alone, as in SELECT currentRequestURL. So names are judged like calls.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from time import monotonic

from clickhouse_connect.driver.client import Client

from funnelhouse.console.statements.allow_list import (
    is_allowed,
    is_denied,
    is_listed,
    without_combinators,
)

BY_THE_PARSER = frozenset({"exists", "untuple", "grouping"})
"""Calls that parser and analysis know by themselves: no functions, and they only compute."""

TAKES_FUNCTION_NAME = frozenset({"arrayreduce", "arrayreduceinranges", "initializeaggregation"})
"""Functions whose first argument names an aggregate function as text."""

TAKES_TYPE_LAST = frozenset(
    {
        *("cast", "_cast", "accuratecast", "accuratecastornull", "reinterpret"),
        *("jsonextract", "jsonextractcaseinsensitive", "jsonextractkeysandvalues"),
        *("jsonextractkeysandvaluescaseinsensitive", "defaultvalueoftypename"),
    }
)
TAKES_TYPE_SECOND = frozenset({"accuratecastordefault", "kqlparametercast"})
TAKES_TYPE_FIRST = frozenset({"values", "null"})
"""Functions with a type as text, in which AggregateFunction names a function."""

TAKES_NAME = TAKES_FUNCTION_NAME | TAKES_TYPE_LAST | TAKES_TYPE_SECOND
"""Functions that must stand as a call, so that the name in their text is seen."""

_COLUMN_NAMES = frozenset({"file", "hostname", "tid", "buildid", "partitionid", "sleep"})
"""Functions whose names columns bear: alone the engine takes them for columns, and for nothing."""

_TYPE = re.compile(r"AggregateFunction\((?:\d+, ?)?(\w+)")

_asked: dict[tuple[str | None, str | None, int], "Functions"] = {}


@dataclass(frozen=True, slots=True)
class Functions:
    """The names of all functions that the engine knows, in small letters."""

    known: Collection[str]

    def may_be_called(self, name: str) -> bool:
        """Whether a call is of a function that is listed, an aggregate one with combinators."""
        return is_allowed(name) and not self.is_unlisted(name)

    def may_be_handed(self, name: str) -> bool:
        """Whether a bare name may stand where the engine takes it for a function."""
        return name.lower() not in TAKES_NAME and self._may_be_named(name)

    def may_be_column(self, name: str) -> bool:
        """Whether a bare name may stand where no function is handed over."""
        return name.lower() in _COLUMN_NAMES or self._may_be_named(name)

    def is_free(self, name: str) -> bool:
        """Whether no function has this name, so that a lambda may have it as an alias."""
        is_known = name.lower() in self.known or is_allowed(name)
        return not is_known and self._may_be_named(name)

    def may_be_type(self, written: str) -> bool:
        """Whether all functions that a type names may be called."""
        found = _TYPE.findall(written)
        named = written.lower().count("aggregatefunction")
        return named == len(found) and all(map(self.may_be_called, found))

    def _may_be_named(self, name: str) -> bool:
        return not any(map(self.is_unlisted, (name, *without_combinators(name))))

    def is_unlisted(self, name: str) -> bool:
        """Whether a function has this very name and is not listed as harmless."""
        lower = name.lower()
        return is_denied(name) or (lower in self.known and not is_listed(name))


def read_functions(client: Client) -> Functions:
    """Ask the engine for its functions, those that users have added included.

    It takes 30 ms, so an answer of a server holds for a minute; nobody adds functions to the
    embedded engine.
    """
    is_embedded = (client.uri or "").startswith("chdb:")
    minute = 0 if is_embedded else int(monotonic() // 60)
    place = (client.uri, client.server_version, minute)
    if place not in _asked:
        # In one row, since a connection may be held to few.
        found = client.query("SELECT groupArray(lower(name)) FROM system.functions").result_rows
        _asked.clear()
        _asked[place] = Functions(frozenset(found[0][0]))
    return _asked[place]


def takes_function(name: str) -> bool:
    """Whether a function may be handed to this one: all of these are of arrays and maps."""
    lower = name.lower()
    return lower.startswith(("array", "map", "lambda")) and lower not in {"array", "map"}
