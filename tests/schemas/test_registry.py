import json
import shutil
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from funnelhouse.schemas.registry import Plan, PlanError, load_events, load_plan

EVENT = "events/application/withdrawn/1-0-0.json"


def add_version(folder: Path, version: str, text: str | None = None) -> None:
    """Write another version of the small plan's event, unchanged but for its name."""
    first = folder / EVENT
    text = text or first.read_text(encoding="utf-8")
    first.with_stem(version).write_text(text.replace("1-0-0", version), encoding="utf-8")


@pytest.fixture
def plan(folder: Path) -> Plan:
    """Load the small plan."""
    return load_plan(folder)


def test_a_sent_spelling_finds_its_schema(plan: Plan) -> None:
    """A name is found in whatever case and with whatever separators it was sent."""
    found = [plan.find(name, None) for name in ("withdrawn", "With-Drawn", "WITHDRAWN")]
    assert [schema and (schema.name, schema.family) for schema in found] == [
        ("withdrawn", "application")
    ] * 3


def test_without_a_version_the_newest_is_found(folder: Path) -> None:
    """Versions are compared as numbers, so 1-0-10 is newer than 1-0-9."""
    for last in range(1, 11):
        add_version(folder, f"1-0-{last}")
    schema = load_plan(folder).find("Withdrawn", None)
    assert schema is not None
    assert schema.version == "1-0-10"


def test_a_version_asked_for_is_found(folder: Path) -> None:
    """An older version stays usable beside a newer one, also under another spelling."""
    add_version(folder, "1-0-1")
    plan = load_plan(folder)
    schemas = [plan.find(name, "1-0-0") for name in ("withdrawn", "With Drawn")]
    assert [schema and schema.version for schema in schemas] == ["1-0-0", "1-0-0"]


def test_an_unknown_version_is_told_from_an_unknown_name(plan: Plan) -> None:
    """Both are not found; only the known name is had."""
    assert plan.find("withdrawn", "7-0-0") is None
    assert plan.find("withdrew", None) is None
    assert (plan.has("With Drawn"), plan.has("withdrew")) == (True, False)


@pytest.mark.parametrize(
    "spell",
    [
        lambda n: f"with{'-' * (n % 180)}drawn{'.' * (n // 180)}",
        lambda n: f"unheard of {n}",
        lambda n: f"withdrawn{'.' * 1000}{n}",
    ],
    ids=["spellings", "unknown", "long"],
)
def test_hostile_names_do_not_grow_memory(plan: Plan, spell: Callable[[int], str]) -> None:
    """After many made-up names, as many more leave no trace in memory."""
    for n in range(6000):
        plan.find(spell(n), None)
    tracemalloc.start()
    for n in range(6000, 12000):
        plan.find(spell(n), None)
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert grown < 50_000


def test_an_endless_name_is_no_name_of_the_plan(plan: Plan) -> None:
    """A name far longer than any spelling is unknown, whatever letters are in it."""
    assert plan.has("withdrawn" + "." * 200)
    assert not plan.has("withdrawn" + "." * 300)


def test_personal_paths_reach_into_objects_and_arrays(plan: Plan) -> None:
    """Properties marked personal are listed by path, "*" for each item of an array."""
    schema = plan.find("withdrawn", None)
    assert schema is not None
    assert set(schema.personal) == {("email",), ("contacts", "*", "phone")}


@pytest.mark.parametrize(("mark", "required"), [("", True), ('"x-identity": "none",', False)])
def test_an_event_without_a_person_says_so(folder: Path, mark: str, required: bool) -> None:  # noqa: FBT001 -- a column of the table
    """An identity is required unless the schema says that there is none."""
    path = folder / EVENT
    path.write_text(path.read_text().replace('"type": "object",', f'"type": "object",{mark}', 1))
    schema = load_plan(folder).find("withdrawn", None)
    assert schema is not None
    assert schema.identity_required is required


@pytest.mark.timeout(5)
def test_a_backtracking_bomb_answers_at_once(plan: Plan) -> None:
    """A pattern that ruins backtracking engines refuses a long text in linear time."""
    schema = plan.find("withdrawn", None)
    assert schema is not None
    sent = {"product": "nbcamp", "code": "a" * 1_000_000 + "!"}
    assert [error.kind.name for error in schema.validator.iter_errors(sent)] == ["pattern"]


def test_formats_are_checked(plan: Plan) -> None:
    """A value of the wrong format is refused, and the message does not repeat it."""
    schema = plan.find("withdrawn", None)
    assert schema is not None
    (error,) = schema.validator.iter_errors({"product": "nbcamp", "email": "secret-text"})
    assert (error.kind.name, error.instance_path) == ("format", ["email"])
    assert "secret-text" not in error.message


def test_a_plan_needs_no_funnels(folder: Path) -> None:
    """A folder of events alone is a plan."""
    shutil.rmtree(folder / "funnels")
    plan = load_plan(folder)
    assert (plan.funnels, plan.targets, plan.actions) == ((), (), ())


def test_a_faulty_plan_is_refused_whole(folder: Path) -> None:
    """Each fault is one line of the error, and nothing is loaded."""
    add_version(folder, "1-0-2", json.dumps([]))
    (folder / "funnels/short.yml").write_text("")
    with pytest.raises(PlanError) as refused:
        load_plan(folder)
    assert [line.split(":")[0] for line in str(refused.value).splitlines()] == [
        "events/application/withdrawn/1-0-2.json",
        "funnels/short.yml",
    ]


def test_the_shipped_plan_loads() -> None:
    """The shipped plan is usable as it stands, with all that belongs to it."""
    plan = load_plan(Path(__file__).parents[2] / "schemas")
    assert plan.has("Experiment Viewed")
    assert all((plan.funnels, plan.targets, plan.actions))


def test_events_load_beside_a_faulty_funnel(folder: Path) -> None:
    """What collectors judge by is had though a funnel cannot be read; the whole plan is not."""
    (folder / "funnels" / "new.yaml").write_text("funnel: [", encoding="utf-8")
    plan = load_events(folder)
    assert plan.has("withdrawn")
    assert plan.funnels == ()
    with pytest.raises(PlanError):
        load_plan(folder)


@pytest.mark.parametrize("spoil", ["fault", "removal"])
def test_faulty_events_load_nothing(folder: Path, spoil: str) -> None:
    """An event with a fault and a folder without events give collectors nothing to judge by."""
    event = folder / EVENT
    if spoil == "fault":
        event.write_text("{", encoding="utf-8")
    else:
        event.unlink()
    with pytest.raises(PlanError, match=r"^events") as caught:
        load_events(folder)
    assert len(caught.value.faults) == 1
