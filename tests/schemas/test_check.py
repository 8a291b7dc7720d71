import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from funnelhouse.schemas.check import check_plan
from funnelhouse.schemas.faults import Fault
from tests.schemas.faulty import assert_told, change, only

EVENT = "events/application/withdrawn/1-0-0.json"
NEXT = "events/application/withdrawn/1-0-1.json"
FUNNEL = "funnels/short.yaml"

EVENT_FAULTS = [
    ('"stage": {', '"product": {', 7, '"product" stands twice', "keep one"),
    ('"examples": [', '"examples": [[', 19, "not JSON", "column"),
    ('"type": "object",\n', '"type": "array",\n', 4, '"type" is not "object"', '"object"'),
    ("2020-12", "2019-09", 2, '"$schema" is not', "2020-12"),
    ("events/application", "events/cta", 3, '"$id" is not', "events/application/withdrawn/1-0-0"),
    ('"integer"', '"intger"', 8, '"intger" is no type', 'write "integer"'),
    ('"minimum": 0', '"minimum": "0"', 8, "not of type", "type number"),
    ('"maxLength": 64', '"maxlength": 64', 6, '"maxlength" is no keyword', '"maxLength"'),
    ('"maxLength": 64', '"maxLength": -1', 6, "less than the minimum", "fits"),
    ('["product"]', '["prodct"]', 15, '"prodct" is required but not described', '"product"'),
    ('"format": "email"', '"format": "emial"', 10, "format is unknown", 'write "email"'),
    ("^(a+)+$", "(a", 9, "no regular expression", "mend it"),
    ("^(a+)+$", "^(?!b)a", 9, "no regular expression", "without look-around"),
    ("^(a+)+$", "^(a)\\\\1", 9, "no regular expression", "back-references"),
    ('"stage": "registered"', '"days": -3', 17, "fails its own schema", "the example"),
    ('{"product": "nbcamp", "stage": "registered"}', "", 16, "no example", "add one"),
    ('"type": "integer"', '"$ref": "#/$defs/n"', 1, "does not exist", "reference"),
    ('"x-personal": true}', '"x-personal": "yes"}', 10, "neither true nor false", "true"),
    ('"phone": {', '"phone": {"not": {"x-personal": true},', 12, "not followed", "property"),
    ('"type": "object",\n', '"type": "object", "x-identity": 0,\n', 4, "x-identity", '"none"'),
]

FUNNEL_FAULTS = [
    ("title: Short", "titel: Short", 2, 'the key "titel" is unknown', 'write "title"'),
    ("product: nbcamp\n", "", 1, '"product" is a required', 'add "product"'),
    ("version: 1", "version: one", 5, "not of type", "type integer"),
    ("2024-01-01", "2024-13-01", 6, "date", "2024-01-31"),
    ("terminal: withdrawn", "terminal: withdrawed", 19, "not one of", 'write "withdrawn"'),
    ("event: withdrawn", "event: withdrwn", 10, 'no event "withdrwn"', 'write "withdrawn"'),
    ("[withdrawn]", "[withdrawn, lost]", 18, 'no event "lost"', "write one of withdrawn"),
    ("[withdrawn]", "[withdrawn, withdrawn]", 18, "non-unique", "fits"),
    ("property: stage", "property: stag", 12, 'no property "stag"', 'write "stage"'),
    ("document_passed]", "dokument_passed]", 13, "never dokument_passed", '"document_passed"'),
    ("gte: 3", "is: -3", 15, "never -3", "fits"),
    ("gte: 3", "gte: three", 15, "not of type", "type number"),
    ("gte: 3", "more: 3", 15, 'the key "more" is unknown', "exists"),
    ("gte: 3", "gte: 3\n        lt: 9", 14, "one operator", "one condition"),
    ("property: days", "property: product", 15, '"product" of "withdrawn" is never 3', "string"),
    ("property: days\n        gte: 3", "property: email\n        is: x", 14, "a hash only", "ask"),
    ("event: withdrawn", "evnt: withdrawn", 8, "either event or any_of", "one of the two"),
    ("any_of", "event: withdrawn\n    any_of", 16, "either event or any_of", "one of the two"),
    ("stage: left_late", "stage: left", 16, '"left" stands twice', "rename"),
    ("where:", "lead: true\n    where:", 21, "a second stage", "one stage only"),
    ("version: 1", "version: 1\nversion: 2", 6, '"version" stands twice', "keep one"),
    ("title: Short", "title: [Short", 3, "not plain YAML", "column"),
    ("title: Short", "title: &a Short\nx: *a", 3, "an alias", "column"),
    ("version: 1", "1: 1", 5, 'the key "1" is unknown', "rename"),
]


def add_version(folder: Path, version: str, **changed: Any) -> None:
    """Write another version of the event, with some of its properties changed (None: removed)."""
    first = folder / EVENT
    schema = json.loads(first.read_text().replace("1-0-0", version))
    described = {**schema["properties"], **changed}
    schema["properties"] = {name: value for name, value in described.items() if value is not None}
    first.with_stem(version).write_text(json.dumps(schema))


def test_the_small_plan_has_no_fault(folder: Path) -> None:
    """The plan that the other tests spoil is sound."""
    assert check_plan(folder) == []


@pytest.mark.parametrize(("old", "new", "line", "message", "mend"), EVENT_FAULTS)
def test_a_fault_of_an_event_is_told_with_its_line(  # noqa: PLR0913, PLR0917 -- a table's columns
    folder: Path, old: str, new: str, line: int, message: str, mend: str
) -> None:
    """A spoiled schema is reported at the line and with the mend."""
    change(folder / EVENT, old, new)
    assert_told(check_plan(folder), (EVENT, line, message, mend))


@pytest.mark.parametrize(("old", "new", "line", "message", "mend"), FUNNEL_FAULTS)
def test_a_fault_of_a_funnel_is_told_with_its_line(  # noqa: PLR0913, PLR0917 -- a table's columns
    folder: Path, old: str, new: str, line: int, message: str, mend: str
) -> None:
    """A spoiled funnel is reported at the line and with the mend."""
    change(folder / FUNNEL, old, new)
    assert_told(check_plan(folder), (FUNNEL, line, message, mend))


def test_a_fault_reads_as_one_sentence() -> None:
    """A fault says file, line, what is wrong and what to do."""
    fault = Fault("funnels/a.yaml", 3, "the version is no number", "write 1")
    assert str(fault) == "funnels/a.yaml:3: the version is no number; write 1."


@pytest.mark.parametrize(
    ("file", "message", "mend"),
    [
        ("events/application/withdrawn/1.0.0.json", '"1.0.0" is no version', "1-0-0.json"),
        ("events/application/withdrawn/0-0-1.json", '"0-0-1" is no version', "1-0-0.json"),
        ("events/application/Left Early/1-0-0.json", "no snake_case name", '"left_early"'),
        ("events/App/left/1-0-0.json", "no snake_case name", '"app"'),
        ("events/left/1-0-0.json", "another place", "events/<family>/<event>/<version>.json"),
        ("events/application/withdrawn/1-0-1.yaml", "another place", "<version>.json"),
        ("funnels/short.yml", "only .yaml files", "funnels/short.yaml"),
        ("funnels/old/short.yaml", "only .yaml files", "funnels/short.yaml"),
        ("targets/short.json", "only .yaml files directly in targets", "targets/short.yaml"),
        ("actions/old/short.yaml", "only .yaml files directly in actions", "actions/short.yaml"),
    ],
)
def test_a_misplaced_file_is_told(folder: Path, file: str, message: str, mend: str) -> None:
    """A file that would be passed over in silence is a fault, with the name it should have."""
    path = folder / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{}")
    assert_told(check_plan(folder), (file, 1, message, mend))


def test_hidden_files_are_no_part_of_the_plan(folder: Path) -> None:
    """What a desktop leaves behind is no fault."""
    (folder / "events/.DS_Store").write_bytes(b"\x00\xff")
    assert check_plan(folder) == []


@pytest.mark.parametrize("file", [EVENT, FUNNEL])
def test_a_text_in_another_encoding_is_told(folder: Path, file: str) -> None:
    """A file that is not UTF-8 is reported at the line of the first foreign byte."""
    path = folder / file
    path.write_bytes(path.read_bytes().replace(b"\n", "\n합류".encode("euc-kr"), 1))
    fault = check_plan(folder)[0]
    assert (fault.file, fault.line, fault.message) == (file, 2, "the text is not UTF-8")


def test_tabs_do_not_lose_the_line(folder: Path) -> None:
    """A schema indented by tabs, which YAML dislikes, still has its lines."""
    change(folder / EVENT, '"maxLength": 64', '"maxlength": 64')
    path = folder / EVENT
    path.write_text(path.read_text().replace("  ", "\t"))
    assert only(check_plan(folder)).line == 6


@given(text=st.text())
@example(text="")
@example(text="[" * 5000)
@example(text='{"a":' * 900 + "1" + "}" * 900)
@example(text="9" * 5000)
@example(text='{"properties": {"a": {"$ref": "#"}}}')
@example(text="? [a]\n: b")
@example(text="- !!python/object:os.system x")
@settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@pytest.mark.parametrize("file", [EVENT, FUNNEL, "targets/short.yaml", "actions/short.yaml"])
def test_whatever_stands_in_a_file_is_a_fault_and_no_exception(
    folder: Path, file: str, text: str
) -> None:
    """A checker that fails on what it checks would say nothing at all."""
    (folder / file).parent.mkdir(exist_ok=True)
    (folder / file).write_bytes(text.encode("utf-8", "surrogatepass"))
    assert check_plan(folder)[0].file == file


def test_a_folder_that_is_not_there_is_told(folder: Path) -> None:
    """A wrong path, or one of a file, is not taken for a plan without events."""
    for path in (folder / "nowhere", folder / EVENT):
        assert_told(check_plan(path), (str(path), 1, "there is no such folder", "a plan's folder"))


@pytest.mark.parametrize("room", ["", "events"])
def test_an_empty_plan_is_a_fault(tmp_path: Path, room: str) -> None:
    """A folder without events, often the wrong folder, is told apart from a sound plan."""
    (tmp_path / room).mkdir(exist_ok=True)
    assert only(check_plan(tmp_path)).message == "the plan has no event"


@pytest.mark.parametrize("name", ["withdrawn", "with_drawn"])
def test_two_names_that_match_the_same_events_are_told(folder: Path, name: str) -> None:
    """One key belongs to one event, whatever the family and the separators."""
    path = folder / f"events/other/{name}/1-0-0.json"
    path.parent.mkdir(parents=True)
    text = (folder / EVENT).read_text()
    path.write_text(text.replace("application/withdrawn", f"other/{name}"))
    assert "would match the same events" in check_plan(folder)[0].message


@pytest.mark.parametrize(
    ("version", "gap"),
    [("1-0-1", False), ("1-1-0", False), ("2-0-0", False), ("1-0-2", True), ("3-0-0", True)],
)
def test_versions_leave_no_gap(folder: Path, version: str, gap: bool) -> None:  # noqa: FBT001 -- a column of the table
    """Each version raises one number of the one before it by one."""
    add_version(folder, version)
    assert ["leaves a gap after 1-0-0" in fault.message for fault in check_plan(folder)] == (
        [True] if gap else []
    )


BREAKING = [
    {"days": {"type": "string"}},
    {"days": {"type": "integer", "minimum": 1}},
    {"stage": {"type": "string", "enum": ["registered"]}},
    {"product": {"type": "string", "maxLength": 63}},
    {"code": None},
    {"contacts": {"type": "array", "items": {"type": "string"}}},
]
ADDITIVE = [
    {"channel": {"type": "string"}},
    {"days": {"type": "number", "minimum": 0}},
    {"days": {"type": ["integer", "null"], "minimum": -5}},
    {"stage": {"type": "string", "enum": ["registered", "document_passed", "joined"]}},
    {"product": {"type": "string", "maxLength": 65, "description": "Longer"}},
]


@pytest.mark.parametrize("changed", BREAKING)
def test_a_breaking_change_needs_a_new_first_number(folder: Path, changed: dict[str, Any]) -> None:
    """What an older sender sends must stay valid and described under an additive version."""
    add_version(folder, "1-0-1", **changed)
    fault = check_plan(folder)[0]
    assert (fault.file, "2-0-0" in fault.mend) == (NEXT, True)


@pytest.mark.parametrize("changed", ADDITIVE)
def test_an_additive_change_needs_none(folder: Path, changed: dict[str, Any]) -> None:
    """New properties and wider ones may come under a raised last number."""
    add_version(folder, "1-0-1", **changed)
    assert check_plan(folder) == []


@pytest.mark.parametrize("changed", BREAKING)
def test_a_new_first_number_may_break(folder: Path, changed: dict[str, Any]) -> None:
    """Under a raised first number every change is allowed, as far as funnels are not hurt."""
    add_version(folder, "2-0-0", **changed)
    assert [fault for fault in check_plan(folder) if fault.file != FUNNEL] == []


def test_a_change_behind_a_reference_breaks_too(folder: Path) -> None:
    """A property described elsewhere in its schema is compared by what stands there."""
    defs = '"$defs": {"days": {"type": "integer", "minimum": 0, "maximum": 9}}, "type": "object"'
    change(folder / EVENT, '"type": "object"', defs)
    change(folder / EVENT, '{"type": "integer", "minimum": 0}', '{"$ref": "#/$defs/days"}')
    add_version(folder, "1-0-1")
    assert check_plan(folder) == []
    change(folder / NEXT, '"maximum": 9', '"maximum": 8')
    assert "less is taken here" in check_plan(folder)[0].message


def test_a_newly_required_property_breaks(folder: Path) -> None:
    """A property that older senders may leave out cannot become required."""
    add_version(folder, "1-0-1")
    change(folder / NEXT, '"required": ["product"]', '"required": ["product", "stage"]')
    assert '"stage" is required' in only(check_plan(folder)).message


def test_a_closed_schema_breaks_an_open_one(folder: Path) -> None:
    """Refusing further properties is a breaking change too."""
    add_version(folder, "1-0-1")
    change(folder / NEXT, '"required"', '"additionalProperties": false, "required"')
    assert "less is taken here" in only(check_plan(folder)).message


def test_a_funnel_is_checked_against_the_newest_version(folder: Path) -> None:
    """A property that a breaking version dropped is missed by the funnel."""
    add_version(folder, "2-0-0", days=None)
    assert only(check_plan(folder)).message == '"withdrawn" has no property "days"'


def test_a_funnel_needs_the_product_of_its_events(folder: Path) -> None:
    """Events come to a funnel by their product, so its events must describe one."""
    text = (folder / EVENT).read_text().replace('"product"', '"goods"')
    (folder / EVENT).write_text(text)
    assert 'no property "product"' in check_plan(folder)[0].message


def test_a_faulty_event_does_not_blame_its_funnel(folder: Path) -> None:
    """While an event's schema is broken its funnel is not called wrong for it."""
    change(folder / EVENT, "^(a+)+$", "(")
    assert only(check_plan(folder)).file == EVENT


def test_one_funnel_version_stands_in_one_file(folder: Path) -> None:
    """A copied funnel file must raise the version."""
    copy = folder / "funnels/short_again.yaml"
    copy.write_text((folder / FUNNEL).read_text())
    fault = only(check_plan(folder))
    assert (fault.file, fault.line, fault.mend) == (
        "funnels/short_again.yaml",
        5,
        "raise the version",
    )


def test_a_property_called_type_is_no_type_of_the_standard(folder: Path) -> None:
    """A value refused for a property of that name is not mended by the types of JSON Schema."""
    add_version(folder, "1-0-1", type={"anyOf": [{"type": "null"}, {"type": "integer"}]})
    change(folder / FUNNEL, "property: days\n        gte: 3", "property: type\n        is: x")
    fault = only(check_plan(folder))
    assert (fault.message, fault.mend) == (
        '"type" of "withdrawn" is never x',
        "write a value that fits",
    )
