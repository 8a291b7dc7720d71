from datetime import date
from pathlib import Path

import pytest

from funnelhouse.schemas.funnels import Funnel
from funnelhouse.schemas.registry import load_plan
from funnelhouse.schemas.rules import Branch, Condition, StageRule

FUNNEL = "funnels/short.yaml"


def only_funnel(folder: Path) -> Funnel:
    """Load the one funnel of a plan folder."""
    (funnel,) = load_plan(folder).funnels
    return funnel


def test_a_funnel_is_read_as_written(folder: Path) -> None:
    """Heading, stages and conditions of the file stand in the funnel."""
    funnel = only_funnel(folder)
    heading = (funnel.funnel, funnel.title, funnel.title_ko, funnel.product, funnel.version)
    assert heading == ("short", "Short", "단일 지원", "nbcamp", 1)
    assert funnel.valid_from == date(2024, 1, 1)
    conditions = (
        Condition("stage", "in", ("registered", "document_passed")),
        Condition("days", "gte", (3,)),
    )
    assert funnel.stages[0].branches == (Branch("withdrawn", conditions),)


def test_rules_are_flat_rows(folder: Path) -> None:
    """A stage's rule carries its position from 1 and its values as JSON texts."""
    first, second = only_funnel(folder).rules()
    assert first == StageRule(
        funnel="short",
        funnel_version=1,
        product="nbcamp",
        stage_position=1,
        stage="left",
        stage_label="지원철회",
        kind="step",
        lead=False,
        role="",
        within_days=0,
        event_name="withdrawn",
        conditions=[
            ("stage", "in", ['"registered"', '"document_passed"']),
            ("days", "gte", ["3"]),
        ],
        reenter="",
        reads={
            "track": "track",
            "cohort": "cohort",
            "segment": "segment",
            "card_holder": "card_holder",
        },
    )
    assert (second.stage_position, second.kind, second.lead) == (2, "withdrawn", True)


def test_any_of_gives_a_rule_for_each_event(folder: Path) -> None:
    """Several events that enter one stage share its position."""
    event = folder / "events/application/withdrawn/1-0-0.json"
    other = folder / "events/application/left/1-0-0.json"
    other.parent.mkdir()
    other.write_text(event.read_text().replace("application/withdrawn", "application/left"))
    path = folder / FUNNEL
    path.write_text(path.read_text().replace("[withdrawn]", "[withdrawn, left]"))
    rules = only_funnel(folder).rules()
    assert [(rule.stage_position, rule.event_name) for rule in rules] == [
        (1, "withdrawn"),
        (2, "withdrawn"),
        (2, "left"),
    ]


@pytest.mark.parametrize(
    ("written", "texts"),
    [
        ("is: registered", ("is", ['"registered"'])),
        ("not: [registered]", ("not", ['"registered"'])),
        ("exists: false", ("exists", ["false"])),
    ],
)
def test_each_operator_gives_its_json_texts(
    folder: Path, written: str, texts: tuple[str, list[str]]
) -> None:
    """One value or a list of them becomes a list of JSON texts."""
    path = folder / FUNNEL
    path.write_text(path.read_text().replace("in: [registered, document_passed]", written))
    assert only_funnel(folder).rules()[0].conditions[0] == ("stage", *texts)


def test_a_korean_value_stays_readable(folder: Path) -> None:
    """JSON texts hold letters as they are, as the text of an event does."""
    path = folder / FUNNEL
    korean = "property: product\n        is: 내배캠"
    path.write_text(path.read_text().replace("property: days\n        gte: 3", korean))
    assert only_funnel(folder).rules()[0].conditions[1] == ("product", "is", ['"내배캠"'])
