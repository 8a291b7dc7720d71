import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from funnelhouse.schemas.check import check_plan
from funnelhouse.schemas.registry import EventSchema, load_plan

SHIPPED = Path(__file__).parents[2] / "schemas"
FILES = sorted((SHIPPED / "events").rglob("*.json"))
# "hmac-sha256:" and 64 hexadecimal digits.
HASHED_LENGTH = 76


def properties_of(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """List the described properties at every depth."""
    for name, described in schema.get("properties", {}).items():
        yield name, described
        yield from properties_of(described)
        yield from properties_of(described.get("items", {}))
        if "items" in described:
            yield f"{name} items", described["items"]


@pytest.fixture(scope="module")
def events() -> dict[str, EventSchema]:
    """Load the newest version of each shipped event."""
    plan = load_plan(SHIPPED)
    return {name: list(versions.values())[-1] for name, versions in plan.events.items()}


def test_the_shipped_plan_has_no_fault() -> None:
    """What is shipped passes its own check."""
    assert check_plan(SHIPPED) == []


def test_every_family_is_shipped(events: dict[str, EventSchema]) -> None:
    """Each family has the events that the product promises."""
    families = [schema.family for schema in events.values()]
    assert {family: families.count(family) for family in sorted(set(families))} == {
        "application": 30,
        "cta": 2,
        "experiment": 1,
        "identity": 3,
        "landing": 5,
        "log": 1,
        "page": 6,
    }


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.parent.name)
def test_texts_and_numbers_are_bounded(file: Path) -> None:
    """Every text has a longest length or a list of values, every number both limits."""
    for name, described in properties_of(json.loads(file.read_text())):
        kind, limits = described["type"], described.keys()
        assert kind != "string" or limits & {"maxLength", "enum"}, name
        assert kind not in ("integer", "number") or (
            {"minimum", "maximum"} <= limits or "enum" in limits
        ), name


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.parent.name)
def test_an_event_may_carry_more_than_is_described(file: Path) -> None:
    """A tracker's own additions are welcome in every event."""
    assert json.loads(file.read_text())["additionalProperties"] is True


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.parent.name)
def test_a_hashed_value_is_still_valid(file: Path) -> None:
    """A personal text may be as long as its hash, so that a kept event validates again."""
    for name, described in properties_of(json.loads(file.read_text())):
        if described.get("x-personal"):
            assert described["maxLength"] >= HASHED_LENGTH, name
            assert not described.keys() & {"format", "pattern", "enum"}, name


def test_what_names_a_person_is_personal(events: dict[str, EventSchema]) -> None:
    """Addresses, numbers and free text are hashed wherever a shipped event holds them."""
    private = {"email", "phone", "text", "comment", "contact", "firstName", "birthday", "street"}
    for schema in events.values():
        hidden = {path[-1] for path in schema.personal}
        document = dict(schema.document)
        described = {name for name, _ in properties_of(document)}
        assert described & private <= hidden, schema.name


def test_only_the_log_line_has_no_person(events: dict[str, EventSchema]) -> None:
    """Every other event belongs to somebody."""
    assert [name for name, schema in events.items() if not schema.identity_required] == [
        "log_recorded"
    ]


@pytest.mark.parametrize(
    ("name", "sent", "refused"),
    [
        ("payment_completed", {"amount": -1}, ["amount"]),
        ("payment_completed", {"currency": "won"}, ["currency"]),
        ("scroll_depth_reached", {"depth": 60}, ["depth"]),
        ("survey_answered", {"effort_score": 8}, ["effort_score"]),
        ("withdrawn", {"stage": "regisered"}, ["stage"]),
        ("withdrawn", {"product": None}, ["product"]),
        ("log_recorded", {"level": "loud"}, ["level"]),
        ("interview_scheduled", {"interview_at": "tomorrow"}, ["interview_at"]),
        ("outbound_link_clicked", {"target_url": "not a url"}, ["target_url"]),
        ("cta_clicked", {"card_holder": "yes"}, ["card_holder"]),
    ],
)
def test_a_wrong_value_is_refused_where_it_stands(
    events: dict[str, EventSchema], name: str, sent: dict[str, Any], refused: list[str]
) -> None:
    """An example with one value spoiled fails at that value and nowhere else."""
    schema = events[name]
    errors = list(schema.validator.iter_errors({**schema.document["examples"][0], **sent}))
    assert [error.instance_path for error in errors] == [refused]


@pytest.mark.parametrize(
    "name", [file.parent.name for file in FILES if file.parent.parent.name == "application"]
)
def test_an_application_event_names_its_product(events: dict[str, EventSchema], name: str) -> None:
    """Without its product an application event could be counted in no funnel."""
    schema = events[name]
    sent = {key: value for key, value in schema.document["examples"][0].items() if key != "product"}
    assert [error.message for error in schema.validator.iter_errors(sent)] == [
        '"product" is a required property'
    ]
