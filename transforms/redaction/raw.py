"""Finds values of named fields in a text that is no JSON: of forms, XML, lists, log lines."""

import re
from collections.abc import Callable, Iterator

_VALUE = (
    r"(?:\"([^\"\n]{1,2000})\"?|'([^'\n]{1,2000})'?"
    r"|([^\s\"'&,;<>{}\[\]][^\"'&,;<>{}\[\]\n]{0,2000}))"
)
_NAMED = re.compile(
    rf"(?<![\w.-])([\w.-]{{1,64}}+)[\"']?\s{{0,3}}(?:=>|[:=]|%3[AaDd])\s{{0,3}}{_VALUE}"
)
_TAGGED = re.compile(r"<(?:[\w.-]{1,64}+:)?([\w.-]{1,64}+)(?:\s[^<>]{0,300})?>([^<]{1,2000})")
_PART = re.compile(
    r"\bname=\"([^\"\n]{1,64})\"[^\n]{0,300}\n(?:[^\n]{2,300}\n){0,4}\r?\n([^\n]{1,2000})"
)


def values_of(text: str, is_personal: Callable[[str], bool]) -> Iterator[tuple[int, int]]:
    """Find the spans of values whose field's name says that they are personal."""
    for pattern in (_PART, _TAGGED, _NAMED):
        for match in pattern.finditer(text):
            if is_personal(match[1].rpartition(".")[2]):
                group = next(n for n in range(2, pattern.groups + 1) if match[n] is not None)
                yield match.span(group)
