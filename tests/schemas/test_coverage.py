"""What is wrong with a file of coverage, told with its line and a mend."""

from pathlib import Path
from shutil import copytree

import pytest

from funnelhouse.schemas.check import check_plan
from funnelhouse.schemas.registry import load_plan

SHIPPED = Path(__file__).parents[2] / "schemas"
GOOD = """coverage: course
title: Course
title_ko: 과정
pages: ["camp.example/course*", "/apply"]
source: web
service_hours: {from: 9, to: 18}
events:
  - {event: page_viewed, heartbeat: hourly}
  - {event: cta_clicked, properties: [cta_id], from_release: 1.10.0, experiment: floating_text}
order: [page_viewed, cta_clicked]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a plan of the shipped events, funnels and experiments, without coverage."""
    plan = tmp_path_factory.mktemp("plan")
    for room in ("events", "funnels", "experiments"):
        copytree(SHIPPED / room, plan / room)
    (plan / "coverage").mkdir()
    return plan


def written(folder: Path, text: str) -> Path:
    """Write the one file of coverage."""
    (folder / "coverage" / "course.yaml").write_text(text, encoding="utf-8")
    return folder


def test_a_good_file_becomes_rows(folder: Path) -> None:
    """Stars become LIKE, the experiment's variants and the order stand beside each event."""
    plan = load_plan(written(folder, GOOD))
    viewed, clicked = plan.coverage
    assert viewed.pages == ["camp.example/course%", "%/apply"]
    assert (viewed.heartbeat, viewed.opens, viewed.closes, viewed.step) == (True, 9, 18, 1)
    assert clicked.variants == ["general", "deadline", "support"]
    assert (clicked.from_release, clicked.properties, clicked.step) == ("1.10.0", ["cta_id"], 2)


@pytest.mark.parametrize(
    ("written_as", "mistaken", "line", "told"),
    [
        ("event: cta_clicked", "event: cta_clickd", 9, 'write "cta_clicked"'),
        ("[cta_id]", "[cta]", 9, 'has no property "cta"; write "cta_id"'),
        ("experiment: floating_text", "experiment: floating", 9, 'write "floating_text"'),
        ("coverage: course", "coverage: curse", 1, 'write "course"'),
        ('"/apply"', '"https://a.example/b"', 4, 'write "a.example/b"'),
        ('"/apply"', '"/apply?x=1"', 4, 'write "/apply"'),
        ('"/apply"', '"apply"', 4, 'write "apply/*" for a host or "/apply" for a path'),
        ("to: 18", "to: 9", 6, "end later"),
        ("order: [page_viewed", "order: [page_view", 10, 'write "page_viewed"'),
        ("heartbeat: hourly", "heartbeat: daily", 8, 'write "hourly"'),
        ("heartbeat", "hartbeat", 8, 'write "heartbeat"'),
        ("event: page_viewed", "event: cta_clicked", 9, "stands twice"),
        ("from_release: 1.10.0", "from_release: next", 9, ""),
    ],
)
def test_a_fault_is_told_with_its_line(
    folder: Path, written_as: str, mistaken: str, line: int, told: str
) -> None:
    """Each mistake is one fault at its line, and the rest of the plan is loaded all the same."""
    plan = written(folder, GOOD.replace(written_as, mistaken, 1))
    faults = [fault for fault in check_plan(plan) if fault.file == "coverage/course.yaml"]
    assert (faults[0].line, told in str(faults[0])) == (line, True), faults
    loaded = load_plan(plan)
    assert loaded.coverage == ()
    assert len(loaded.refused) == len(faults)


def test_neither_pages_nor_source(folder: Path) -> None:
    """A place must be told by its pages or its source."""
    text = "\n".join(x for x in GOOD.splitlines() if not x.startswith(("pages", "source")))
    (fault,) = check_plan(written(folder, text))
    assert "names neither pages nor a source" in str(fault)
