"""JSON and YAML files of the plan as documents: a value, and the line of each part of it.

Hands on a document with the keys that stand twice in it, or why the file cannot be read.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from funnelhouse.schemas.faults import Fault

Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A file's value and the line on which each key or item of it stands."""

    file: str
    value: Any
    lines: Mapping[Place, int]

    def fault(self, place: Place, message: str, mend: str) -> Fault:
        """Make a fault at a place, or at the nearest enclosing place that has a line."""
        while place and place not in self.lines:
            place = place[:-1]
        return Fault(self.file, self.lines.get(place, 1), message, mend)


def read_document(path: Path, file: str) -> tuple[Document, list[Fault]] | Fault:
    """Read a file, called `file` in faults; a fault alone when nothing can be made of it."""
    try:
        text = path.read_bytes().decode()
        value, marks = _parse_json(text) if path.suffix == ".json" else _parse_yaml(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        return _unreadable(file, error)
    document = Document(file, value, dict(marks))
    return document, list(_repeated(document, [place for place, _ in marks]))


class _PlainLoader(yaml.SafeLoader):
    """YAML as JSON has it: keys are text, dates too, and every key stands on one line."""

    yaml_implicit_resolvers = {  # noqa: RUF012 -- the library's own way to leave a type out
        first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(problem="an alias stands here", problem_mark=mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 -- the signature of the library
        return {str(key.value): self.construct_object(value, deep) for key, value in node.value}


def _parse_json(text: str) -> tuple[Any, list[tuple[Place, int]]]:
    value = json.loads(text)
    try:
        # A valid JSON text has tabs between tokens only, and YAML wants none there.
        node = _PlainLoader(text.replace("\t", " ")).get_single_node()
    except yaml.YAMLError:
        return value, []  # rare JSON that YAML cannot read: faults then stand at line 1
    return value, list(_marks(node, (), 1))


def _parse_yaml(text: str) -> tuple[Any, list[tuple[Place, int]]]:
    loader = _PlainLoader(text)
    node = loader.get_single_node()
    if node is None:
        return None, []
    return loader.construct_document(node), list(_marks(node, (), node.start_mark.line + 1))


def _marks(node: Any, place: Place, line: int) -> Iterator[tuple[Place, int]]:
    yield place, line
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _marks(value, (*place, str(key.value)), key.start_mark.line + 1)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _marks(item, (*place, index), item.start_mark.line + 1)


def _unreadable(file: str, error: Exception) -> Fault:
    match error:
        case UnicodeDecodeError():
            line = error.object.count(b"\n", 0, error.start) + 1
            return Fault(file, line, "the text is not UTF-8", "save the file as UTF-8")
        case json.JSONDecodeError():
            message = f"this is not JSON: {error.msg[0].lower()}{error.msg[1:]}"
            return Fault(file, error.lineno, message, f"mend the JSON at column {error.colno}")
        case yaml.MarkedYAMLError(problem=problem, problem_mark=yaml.Mark() as mark):
            mend = f"mend the YAML at column {mark.column + 1}"
            return Fault(file, mark.line + 1, f"this is not plain YAML: {problem}", mend)
        case yaml.YAMLError():
            message = "this is not plain YAML: a character that YAML refuses"
            return Fault(file, 1, message, "remove the character")
        case _:
            return Fault(file, 1, "the nesting or a number is beyond reading", "write less of it")


def _repeated(document: Document, places: Sequence[Place]) -> Iterator[Fault]:
    times = Counter(places)
    for place, count in times.items():
        if count > 1 and times[place[:-1]] == 1:
            yield document.fault(place, f'the key "{place[-1]}" stands twice', "keep one of them")
