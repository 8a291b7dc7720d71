from datetime import date
from pathlib import Path

import pytest

from funnelhouse.schemas.actions import Action
from funnelhouse.schemas.check import check_plan
from funnelhouse.schemas.registry import PlanError, load_plan
from tests.schemas.faulty import add_camp, assert_told, change

FILE = "actions/remind.yaml"

# The expected lines in the tests count from here: keep one key a line.
TEXT = """action: remind
title: Remind them
title_ko: 알림
hypothesis: They forget.
funnel: camp
starts_on: 2024-07-01
window_days: 14
audience: applied
track: kotlin
from: applied
to: joined
success: 0.65
guardrail: 0.6
"""

FAULTS = [
    ("action: remind", "action: reminder", 1, "not named as its file", "reminder.yaml"),
    ("hypothesis: They forget.\n", "", 1, '"hypothesis" is a required', 'add "hypothesis"'),
    ("funnel: camp", "funnel: kamp", 5, 'no funnel "kamp"', 'write "camp"'),
    ("starts_on: 2024-07-01", "starts_on: 2024-07-32", 6, "date", "2024-01-31"),
    ("window_days: 14", "window_days: two weeks", 7, "not of type", "type integer"),
    ("window_days: 14", "window_days: 0", 7, "minimum", "fits"),
    ("audience: applied", "audience: aplied", 8, 'no stage "aplied"', 'write "applied"'),
    ("audience: applied", "audience: withdrawn", 8, 'no stage "withdrawn"', "applied"),
    ("track: kotlin", "trak: kotlin", 9, 'the key "trak" is unknown', 'write "track"'),
    ("from: applied", "from: aplied", 10, 'no stage "aplied"', 'write "applied"'),
    ("to: joined", "to: withdrawn", 11, 'no stage "withdrawn"', "joined"),
    ("to: joined", "to: applied", 11, "no version of the funnel", "a later stage"),
    ("success: 0.65", "success: 65", 12, "maximum", "fits"),
    ("guardrail: 0.6", "guardrail: 0.7", 13, "above the success", "0.65 or less"),
]


@pytest.fixture
def file(folder: Path) -> Path:
    """Write a sound action beside the funnel that it is set on."""
    add_camp(folder)
    path = folder / FILE
    path.parent.mkdir()
    path.write_text(TEXT, encoding="utf-8")
    return path


def test_an_action_is_read_as_a_row(file: Path) -> None:
    """A row has its funnel's product and the conversion's stages."""
    assert load_plan(file.parents[1]).actions == (
        Action(
            action="remind",
            title="Remind them",
            title_ko="알림",
            hypothesis="They forget.",
            funnel="camp",
            product="nbcamp",
            track="kotlin",
            starts_on=date(2024, 7, 1),
            window_days=14,
            audience="applied",
            from_stage="applied",
            stage="joined",
            success=0.65,
            guardrail=0.6,
        ),
    )


def test_guardrail_and_track_may_be_left_out(file: Path) -> None:
    """Without a guardrail there is none, without a track all are meant."""
    change(file, "guardrail: 0.6\n", "")
    change(file, "track: kotlin\n", "")
    (action,) = load_plan(file.parents[1]).actions
    assert (action.guardrail, action.track) == (None, "")


@pytest.mark.parametrize(("old", "new", "line", "message", "mend"), FAULTS)
def test_a_fault_is_told_with_its_line(  # noqa: PLR0913, PLR0917 -- a table's columns
    file: Path, old: str, new: str, line: int, message: str, mend: str
) -> None:
    """A spoiled action is reported at its line and with the mend."""
    change(file, old, new)
    assert_told(check_plan(file.parents[1]), (FILE, line, message, mend))


def test_a_faulty_action_refuses_the_plan_whole(file: Path) -> None:
    """Nothing is loaded while an action is wrong."""
    change(file, "window_days: 14", "window_days: 0")
    with pytest.raises(PlanError, match=r"remind\.yaml:7"):
        load_plan(file.parents[1])
