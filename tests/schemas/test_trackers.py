"""Names of other trackers' events: the shipped table, and the faults of a table."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from funnelhouse.schemas.check import check_plan
from funnelhouse.schemas.registry import load_events, load_plan
from funnelhouse.schemas.trackers import SnowplowNames
from funnelhouse.settings import SHIPPED_PLAN


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    """Give a copy of the shipped plan."""
    return Path(shutil.copytree(SHIPPED_PLAN, tmp_path / "plan"))


def write(plan: Path, document: Any, name: str = "snowplow") -> Path:
    """Write a table of names into a plan."""
    file = plan / "trackers" / f"{name}.yaml"
    file.write_text(yaml.safe_dump(document), "utf-8")
    return file


def test_the_shipped_table() -> None:
    """Both the whole plan and what a collector loads of it have the shipped names."""
    for names in (load_plan(SHIPPED_PLAN).snowplow, load_events(SHIPPED_PLAN).snowplow):
        assert names.page_ping_ms == 10_000
        renaming = names.of_structured("cta", "click")
        assert renaming.event == "cta_clicked"
        assert renaming.of({"label": "apply", "value": 1}) == {"cta_id": "apply", "value": 1}


def test_names_without_a_row() -> None:
    """A structured event is named by its action, a self-describing one by its schema."""
    names = SnowplowNames()
    assert names.of_structured("video", "play").event == "play"
    assert names.of_schema("com.acme", "guide_opened").event == "guide_opened"


def test_a_row_without_a_category(plan: Path) -> None:
    """A row without a category names the action of any; one with it comes first."""
    rows = [
        {"action": "play", "event": "guide_opened"},
        {"category": "cta", "action": "play", "event": "cta_clicked"},
    ]
    write(plan, {"structured": rows})
    names = load_plan(plan).snowplow
    assert names.of_structured("video", "play").event == "guide_opened"
    assert names.of_structured("cta", "play").event == "cta_clicked"


@pytest.mark.parametrize(
    ("document", "name", "said"),
    [
        ({"structured": [{"action": "a", "event": "no_such"}]}, "snowplow", "no event"),
        ({"structured": [{"event": "cta_clicked"}]}, "snowplow", "action"),
        ({"page_ping_ms": "often"}, "snowplow", "integer"),
        ({}, "matomo", "no tracker of this name"),
    ],
)
def test_faults(plan: Path, document: Any, name: str, said: str) -> None:
    """A table with a fault is told with its file and refused alone: the plan goes on without it."""
    file = write(plan, document, name)
    (fault,) = check_plan(plan)
    assert fault.file == f"trackers/{file.name}"
    assert said in f"{fault.message} {fault.mend}"
    assert load_events(plan).events
    loaded = load_plan(plan)
    assert loaded.refused == (fault,)
    assert (loaded.snowplow == SnowplowNames()) == (name == "snowplow")
