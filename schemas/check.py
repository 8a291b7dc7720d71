"""Reads a plan folder and finds its faults, each with file, line and mend.

Hands the documents it read to the registry, which loads them only when there is no fault.
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import chain, pairwise
from pathlib import Path, PurePosixPath
from typing import Any

import yaml
from jsonschema_rs import (
    CanonicalSchema,
    Draft202012,
    Draft202012Validator,
    ReferencingError,
    RegexOptions,
    ValidationError,
    ValidationErrorKind,
    canonicalize,
    dereference,
)
from jsonschema_rs.canonical import CanonicalizationError

from schemas.funnels import FUNNEL_SHAPE, stage_events, values_of
from schemas.names import fold, match_key

DIALECT = "https://json-schema.org/draft/2020-12/schema"
TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")
# Keywords that hold subschemas: one, a list of them, or a mapping to them
# (JSON Schema 2020-12: Core, sections 8.2.4, 10 and 11; Validation, section 8).
_ONE = """additionalProperties items contains propertyNames not if then else
    unevaluatedItems unevaluatedProperties contentSchema""".split()  # noqa: SIM905 -- a word list
_LIST = ("allOf", "anyOf", "oneOf", "prefixItems")
_MAPPING = ("properties", "patternProperties", "dependentSchemas", "$defs")
_OTHER = """$schema $id $ref $anchor $dynamicRef $dynamicAnchor $vocabulary $comment
    type enum const multipleOf maximum exclusiveMaximum minimum exclusiveMinimum
    maxLength minLength pattern maxItems minItems uniqueItems maxContains minContains
    maxProperties minProperties required dependentRequired
    title description default deprecated readOnly writeOnly examples
    format contentEncoding contentMediaType
    x-personal x-identity x-label-ko""".split()  # noqa: SIM905 -- a word list
FORMATS = """date-time date time duration email idn-email hostname idn-hostname ipv4 ipv6
    uri uri-reference iri iri-reference uri-template
    json-pointer relative-json-pointer regex uuid""".split()  # noqa: SIM905 -- a word list
KEYWORDS = (*_ONE, *_LIST, *_MAPPING, *_OTHER)

_EVENT_FILE = re.compile(r"events/[^/]+/[^/]+/[^/]+\.json")
_FUNNEL_FILE = re.compile(r"funnels/[^/]+\.yaml")
_VERSION = re.compile(r"[1-9]\d*-(0|[1-9]\d*)-(0|[1-9]\d*)", re.ASCII)
_METASCHEMA = Draft202012Validator({"$ref": DIALECT})
_FUNNEL = Draft202012Validator(FUNNEL_SHAPE, validate_formats=True)

_MAX_LISTED = 12

Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong at a line of a file of the plan, and what to do about it."""

    file: str
    line: int
    message: str
    mend: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}; {self.mend}."


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


@dataclass(frozen=True, slots=True)
class EventDocument:
    """One version of one event, named by its path, and its schema as a document."""

    family: str
    name: str
    version: str
    document: Document

    @property
    def schema(self) -> Any:
        """Give the JSON Schema, an object once the document has no fault."""
        return self.document.value

    @property
    def numbers(self) -> tuple[int, ...]:
        """Give the version's three numbers, which sort as versions do."""
        return tuple(map(int, self.version.split("-")))


@dataclass(frozen=True, slots=True)
class Reading:
    """What a plan folder holds: events oldest version first, and everything wrong with it."""

    events: tuple[EventDocument, ...]
    funnels: tuple[Document, ...]
    faults: tuple[Fault, ...]


def check_plan(folder: Path) -> list[Fault]:
    """List the faults of a plan folder by file and line; none means that it can be loaded."""
    return list(read_plan(folder).faults)


def read_plan(folder: Path) -> Reading:
    """Read and check every file of a plan folder; funnels are optional, events are not."""
    documents, faults = _read_folder(folder)
    funnels = [document for document in documents if document.file.startswith("funnels/")]
    events = [_event_of(document) for document in documents if document not in funnels]
    events.sort(key=lambda event: (event.name, event.numbers))
    of_event = {event.document.file: list(_event_faults(event)) for event in events}
    of_funnel = {document.file: list(_shape_faults(document)) for document in funnels}
    sound = [event for event in events if not of_event[event.document.file]]
    faults += chain.from_iterable((*of_event.values(), *of_funnel.values()))
    faults += _name_faults(events)
    faults += _version_faults(sound)
    faults += _reference_faults(
        [document for document in funnels if not of_funnel[document.file]], events, sound
    )
    faults.sort(key=lambda fault: (fault.file, fault.line, fault.message))
    return Reading(tuple(events), tuple(funnels), tuple(faults))


def compile_schema(schema: dict[str, Any]) -> Draft202012Validator:
    """Compile an event's schema, with formats checked and regular expressions of linear time.

    Messages of the validator leave sent values out, for these may be personal.

    Raises:
        jsonschema_rs.ValidationError: a pattern, format or reference that cannot be used.
    """
    return Draft202012Validator(
        schema,
        validate_formats=True,
        ignore_unknown_formats=False,
        pattern_options=RegexOptions(),
        mask="the value",
        offline=True,
    )


def personal_paths(schema: dict[str, Any]) -> tuple[tuple[str, ...], ...]:
    """List the paths of properties marked x-personal, "*" standing for each item of an array."""
    marked = (place for place, inner in _subschemas(schema) if inner.get("x-personal") is True)
    return tuple(path for place in marked if (path := _property_path(place)))


def _subschemas(schema: Any, place: Place = ()) -> Iterator[tuple[Place, dict[str, Any]]]:
    if not isinstance(schema, dict):
        return
    yield place, schema
    for keyword, value in schema.items():
        if keyword in _ONE:
            yield from _subschemas(value, (*place, keyword))
        elif keyword in _LIST:
            for index, inner in enumerate(value):
                yield from _subschemas(inner, (*place, keyword, index))
        elif keyword in _MAPPING:
            for key, inner in value.items():
                yield from _subschemas(inner, (*place, keyword, key))


def _property_path(place: Place) -> tuple[str, ...]:
    """Follow a schema's place to the property it describes; () where that cannot be followed."""
    path: list[str] = []
    steps = iter(place)
    for step in steps:
        if step not in ("properties", "items"):
            return ()
        path.append(str(next(steps)) if step == "properties" else "*")
    return tuple(path)


# Reading files


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


def _read_folder(folder: Path) -> tuple[list[Document], list[Fault]]:
    documents: list[Document] = []
    faults: list[Fault] = []
    for path in _files(folder):
        file = path.relative_to(folder).as_posix()
        read = _misplaced(file) or _read(path, file)
        if isinstance(read, Fault):
            faults.append(read)
        else:
            documents += [read[0]]
            faults += read[1]
    if not documents and not faults:
        mend = "add events/<family>/<event>/1-0-0.json or name another folder"
        faults.append(Fault("events", 1, "the plan has no event", mend))
    return documents, faults


def _files(folder: Path) -> list[Path]:
    inside = (path for room in ("events", "funnels") for path in (folder / room).rglob("*"))
    return sorted(path for path in inside if path.is_file() and not path.name.startswith("."))


def _misplaced(file: str) -> Fault | None:
    path = PurePosixPath(file)
    if path.parts[0] == "funnels":
        if _FUNNEL_FILE.fullmatch(file):
            return None
        mend = f"name it funnels/{path.stem}.yaml"
        return Fault(file, 1, "only .yaml files directly in funnels are read", mend)
    if not _EVENT_FILE.fullmatch(file):
        mend = "move it to events/<family>/<event>/<version>.json"
        return Fault(file, 1, "an event's schema has another place", mend)
    for name in path.parts[1:3]:
        if name != fold(name):
            mend = f'name the folder "{fold(name) or "event"}"'
            return Fault(file, 1, f'"{name}" is no snake_case name', mend)
    if not _VERSION.fullmatch(path.stem):
        mend = "name the file like 1-0-0.json"
        return Fault(file, 1, f'"{path.stem}" is no version', mend)
    return None


def _read(path: Path, file: str) -> tuple[Document, list[Fault]] | Fault:
    content = path.read_bytes()
    try:
        text = content.decode()
        value, marks = _parse_json(text) if path.suffix == ".json" else _parse_yaml(text)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return Fault(file, line, "the text is not UTF-8", "save the file as UTF-8")
    except json.JSONDecodeError as error:
        problem = error.msg[0].lower() + error.msg[1:]
        mend = f"mend the JSON at column {error.colno}"
        return Fault(file, error.lineno, f"this is not JSON: {problem}", mend)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "a character that YAML refuses"
        mend = f"mend the YAML at column {mark.column + 1}" if mark else "remove the character"
        return Fault(file, mark.line + 1 if mark else 1, f"this is not plain YAML: {problem}", mend)
    except (RecursionError, ValueError):
        return Fault(file, 1, "the nesting or a number is beyond reading", "write less of it")
    document = Document(file, value, dict(marks))
    return document, list(_repeated(document, [place for place, _ in marks]))


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


def _repeated(document: Document, places: Sequence[Place]) -> Iterator[Fault]:
    times = Counter(places)
    for place, count in times.items():
        if count > 1 and times[place[:-1]] == 1:
            yield document.fault(place, f'the key "{place[-1]}" stands twice', "keep one of them")


# One event


def _event_of(document: Document) -> EventDocument:
    _, family, name, file = PurePosixPath(document.file).parts
    return EventDocument(family, name, file.removesuffix(".json"), document)


def _event_faults(event: EventDocument) -> Iterator[Fault]:
    document = event.document
    if not isinstance(event.schema, dict):
        yield document.fault((), "the schema is not an object", "write a JSON object")
        return
    against_standard = [
        _value_fault(document, error) for error in _METASCHEMA.iter_errors(event.schema)
    ]
    yield from _heading_faults(event)
    yield from against_standard
    if against_standard:
        return
    yield from _keyword_faults(document)
    yield from _personal_faults(document)
    try:
        validator = compile_schema(event.schema)
    except ValidationError as error:
        yield _compile_fault(document, error)
    else:
        yield from _example_faults(document, validator)


def _heading_faults(event: EventDocument) -> Iterator[Fault]:
    expected = {
        "$schema": DIALECT,
        "$id": f"funnelhouse:events/{event.family}/{event.name}/{event.version}",
        "type": "object",
    }
    if "x-identity" in event.schema:
        expected["x-identity"] = "none"
    for key, value in expected.items():
        if event.schema.get(key) != value:
            mend = f'write "{value}"'
            yield event.document.fault((key,), f'"{key}" is not "{value}"', mend)


def _keyword_faults(document: Document) -> Iterator[Fault]:
    for place, schema in _subschemas(document.value):
        for keyword in schema.keys() - KEYWORDS:
            message = f'"{keyword}" is no keyword of JSON Schema 2020-12'
            yield document.fault((*place, keyword), message, _meant(keyword, KEYWORDS))
        described = schema.get("properties", {})
        for index, name in enumerate(schema.get("required", ()) if described else ()):
            if name not in described:
                message = f'"{name}" is required but not described'
                yield document.fault((*place, "required", index), message, _meant(name, described))


def _personal_faults(document: Document) -> Iterator[Fault]:
    for place, schema in _subschemas(document.value):
        mark = schema.get("x-personal", False)
        here = (*place, "x-personal")
        if not isinstance(mark, bool):
            yield document.fault(here, "x-personal is neither true nor false", "write true")
        elif mark and not _property_path(place):
            message = "x-personal is not followed to here, so the value would be kept in clear"
            yield document.fault(here, message, "mark a property or the items of an array")


def _compile_fault(document: Document, error: ValidationError) -> Fault:
    place = tuple(error.instance_path)
    if place[-1:] == ("format",):
        return document.fault(place, "the format is unknown", _meant(str(error.instance), FORMATS))
    if isinstance(error.kind, ValidationErrorKind.Format):
        message = "the pattern is no regular expression of linear time"
        mend = "mend it, without look-around and back-references"
        return document.fault(place, message, mend)
    mend = "mend the reference or write the schema out in full"
    return document.fault(place, _told(error.message), mend)


def _example_faults(document: Document, validator: Draft202012Validator) -> Iterator[Fault]:
    examples = document.value.get("examples")
    if not examples:
        yield document.fault(("examples",), "there is no example", "add one that validates")
    for index, example in enumerate(examples or ()):
        for error in validator.iter_errors(example):
            place = ("examples", index, *error.instance_path)
            message = f"the example fails its own schema: {_told(error.message)}"
            yield document.fault(place, message, "mend the example or the schema")


# Between events


def _name_faults(events: Iterable[EventDocument]) -> Iterator[Fault]:
    first: dict[str, EventDocument] = {}
    for event in events:
        other = first.setdefault(match_key(event.name), event)
        if (other.family, other.name) != (event.family, event.name):
            message = f'"{event.name}" and {other.family}/{other.name} would match the same events'
            yield event.document.fault((), message, "rename one of them")


def _version_faults(events: Iterable[EventDocument]) -> Iterator[Fault]:
    versions: dict[str, list[EventDocument]] = defaultdict(list)
    for event in events:
        versions[event.name].append(event)
    for old, new in (pair for found in versions.values() for pair in pairwise(found)):
        first, middle, last = old.numbers
        following = ((first, middle, last + 1), (first, middle + 1, 0), (first + 1, 0, 0))
        if new.numbers not in following:
            mend = f"name it {first}-{middle}-{last + 1} or {first + 1}-0-0"
            message = f"version {new.version} leaves a gap after {old.version}"
            yield new.document.fault((), message, mend)
        if new.numbers[0] == first:
            for place, message in _breaks(_inlined(old.schema), _inlined(new.schema)):
                mend = f"make the version {first + 1}-0-0 or take the change back"
                yield new.document.fault(place, f"{message} than in {old.version}", mend)


def _inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """Write references out, so that a change behind one is seen."""
    described = {key: schema[key] for key in schema if key != "examples"}
    try:
        return dereference(described, offline=True)
    except ReferencingError:  # no reference to follow, but a value that looks like one
        return described


def _breaks(
    old: dict[str, Any], new: dict[str, Any], place: Place = ()
) -> Iterator[tuple[Place, str]]:
    """Find where the newer schema refuses what the older one took, or describes less of it."""
    before, after = old.get("properties", {}), new.get("properties", {})
    for name in before.keys() - after.keys():
        yield (*place, "properties"), f'"{name}" is removed, so less is described'
    for name in set(new.get("required", ())) - set(old.get("required", ())):
        yield (*place, "required"), f'"{name}" is required, so less is taken'
    for name in before.keys() & after.keys():
        inner = (*place, "properties", name)
        if isinstance(before[name], dict) and isinstance(after[name], dict):
            yield from _breaks(before[name], after[name], inner)
        elif before[name] != after[name]:
            yield inner, "less may be taken"
    if not _covers(_own(new), _own(old)):
        yield place, "less is taken here"


def _own(schema: dict[str, Any]) -> dict[str, Any]:
    return {key: schema[key] for key in schema if key not in ("properties", "required")}


def _covers(new: dict[str, Any], old: dict[str, Any]) -> bool:
    """Say whether the newer schema takes all that the older one took, as far as can be proved."""
    if new == old:
        return True
    try:
        return str(_canonical(new).covers(_canonical(old))) == "yes"
    except CanonicalizationError:  # a schema that refers to itself
        return False


def _canonical(schema: dict[str, Any]) -> CanonicalSchema:
    return canonicalize(
        schema,
        draft=Draft202012,
        validate_formats=True,
        pattern_options=RegexOptions(),
        offline=True,
    )


# Funnels


def _shape_faults(document: Document) -> Iterator[Fault]:
    for error in _FUNNEL.iter_errors(document.value):
        place = tuple(error.instance_path)
        match error.kind:
            case ValidationErrorKind.AdditionalProperties(unexpected=names):
                known = _shape_at(error.schema_path)["properties"]
                for name in names:
                    message = f'the key "{name}" is unknown'
                    yield document.fault((*place, name), message, _meant(name, known))
            case ValidationErrorKind.OneOfNotValid() | ValidationErrorKind.OneOfMultipleValid():
                message = "a stage needs either event or any_of"
                yield document.fault(place, message, "write one of the two")
            case ValidationErrorKind.MinProperties() | ValidationErrorKind.MaxProperties():
                message = "a condition needs its property and one operator"
                yield document.fault(place, message, "write one condition an operator")
            case _:
                yield _value_fault(document, error)


def _shape_at(schema_path: Sequence[str | int]) -> Any:
    shape: Any = FUNNEL_SHAPE
    for step in schema_path[:-1]:
        shape = shape[step]
    return shape


def _reference_faults(
    funnels: Iterable[Document], events: Iterable[EventDocument], sound: Iterable[EventDocument]
) -> Iterator[Fault]:
    known = {event.name for event in events}
    newest = {event.name: event.schema for event in sound}
    seen: set[tuple[str, int]] = set()
    for document in funnels:
        identity = document.value["funnel"], document.value["version"]
        if identity in seen:
            message = f"version {identity[1]} of {identity[0]} stands in another file too"
            yield document.fault(("version",), message, "raise the version")
        seen.add(identity)
        yield from _order_faults(document)
        for index, stage in enumerate(document.value["stages"]):
            place = ("stages", index)
            for event in stage_events(stage):
                if event not in known:
                    message = f'the plan has no event "{event}"'
                    yield document.fault(
                        _event_place(place, stage, event), message, _meant(event, known)
                    )
                elif event in newest:
                    yield from _stage_faults(document, place, event, newest[event])


def _event_place(place: Place, stage: Mapping[str, Any], event: str) -> Place:
    if "any_of" in stage:
        return (*place, "any_of", stage["any_of"].index(event))
    return (*place, "event")


def _order_faults(document: Document) -> Iterator[Fault]:
    names: set[str] = set()
    leads = 0
    for index, stage in enumerate(document.value["stages"]):
        if stage["stage"] in names:
            message = f'the stage "{stage["stage"]}" stands twice'
            yield document.fault(("stages", index, "stage"), message, "rename or remove one")
        names.add(stage["stage"])
        leads += stage.get("lead", False)
        if stage.get("lead") and leads > 1:
            message = "a second stage is marked as the lead"
            yield document.fault(("stages", index, "lead"), message, "mark one stage only")


def _stage_faults(
    document: Document, place: Place, event: str, schema: dict[str, Any]
) -> Iterator[Fault]:
    described = schema.get("properties", {})
    if "product" not in described:
        message = f'"{event}" has no property "product", by which events come to a funnel'
        yield document.fault(place, message, "describe product in the event's schema")
    validator = compile_schema(schema)
    personal = {path[0] for path in personal_paths(schema)}
    for index, condition in enumerate(document.value["stages"][place[1]].get("where", ())):
        name = condition["property"]
        here = (*place, "where", index)
        operator = next(key for key in condition if key != "property")
        if name not in described:
            message = f'"{event}" has no property "{name}"'
            yield document.fault((*here, "property"), message, _meant(name, described))
        elif operator != "exists" and name in personal:
            message = f'"{name}" of "{event}" is personal and kept as a hash only'
            yield document.fault(here, message, "ask whether it exists or use another property")
        elif operator != "exists":
            for value in values_of(condition[operator]):
                for error in validator.iter_errors({name: value}):
                    if error.instance_path[:1] == [name] and _matters(operator, error):
                        message = f'"{name}" of "{event}" is never {value}'
                        mend = _mend(error, value)
                        yield document.fault((*here, operator), message, mend)


def _matters(operator: str, error: ValidationError) -> bool:
    """Say whether a value that fails so can never be met: bounds may lie outside the limits."""
    return operator in ("is", "in", "not") or isinstance(error.kind, ValidationErrorKind.Type)


# Words


def _value_fault(document: Document, error: ValidationError) -> Fault:
    place = tuple(error.instance_path)
    message = _told(error.message)
    if isinstance(error.kind, ValidationErrorKind.AnyOf) and place[-1:] == ("type",):
        message = f'"{error.instance}" is no type of JSON Schema'
    return document.fault(place, message, _mend(error, error.instance))


def _told(message: str) -> str:
    return message.splitlines()[0].rstrip(".")


def _mend(error: ValidationError, written: Any) -> str:
    """Say what was probably meant, by the keyword that refused the value."""
    match error.kind:
        case ValidationErrorKind.Enum(options=options):
            return _meant(str(written), list(map(str, options)))
        case ValidationErrorKind.Type(types=types):
            return f"write a value of type {' or '.join(types)}"
        case ValidationErrorKind.Required(property=name):
            return f'add "{name}"'
        case ValidationErrorKind.AnyOf() if error.instance_path[-1:] == ["type"]:
            return _meant(str(written), TYPES)
        case _:
            return "write a value that fits"


def _meant(written: str, known: Iterable[str]) -> str:
    options = sorted(known)
    close = get_close_matches(written, options, n=1)
    if close:
        return f'write "{close[0]}"'
    return (
        f"write one of {', '.join(options)}"
        if len(options) <= _MAX_LISTED
        else "remove or rename it"
    )
