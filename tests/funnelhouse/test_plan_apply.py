"""A funnel is edited while the product runs: by `plan apply`, by a restart, through deaths."""

import shutil
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from typing import Any

import httpx
import orjson
import psutil
import pytest

from tests.conftest import RunningProduct, running_product
from tests.funnelhouse.conftest import CommandLine

SHIPPED = Path(__file__).parents[2] / "schemas"
FUNNEL = """funnel: course
title: Course
title_ko: 과정
product: nbcamp
version: 1
valid_from: 2024-01-01
stages:
  - {stage: viewed, label_ko: 방문, event: page_viewed}
  - {stage: passed, label_ko: 합격, event: document_passed, lead: true}
  - {stage: joined, label_ko: 가입, event: slack_joined}
"""
EDITED = FUNNEL.replace(
    "  - {stage: joined",
    """  - stage: moved
    label_ko: 이동
    event: cta_clicked
    where: [{property: cta_id, in: [apply, pay]}]
  - {stage: joined""",
)
FAULTY = FUNNEL.replace("event: slack_joined", "event: slak_joined")
KEYS = "dev:web:server"
ENTRIES = "SELECT * FROM stage_entries ORDER BY ALL"
BATCHES = 60
BATCH = 100


def call(number: int) -> dict[str, Any]:
    """Return one event of 900 people, half of whom log in; each fiftieth id comes again."""
    name, properties = (
        ("Page Viewed", {}),
        ("CTA Clicked", {"cta_id": ("apply", "pay", "guide")[number % 3]}),
        ("Document Passed", {}),
        ("Slack Joined", {}),
    )[number * 7 % 4]
    person = number * 31 % 900
    who = {"anonymousId": f"a{person // 2}"} | ({"userId": f"u{person}"} if person % 2 else {})
    return who | {
        "type": "track",
        "messageId": f"m{number - (number % 50 == 0)}",
        "event": name,
        "timestamp": f"2024-08-{1 + number % 28:02}T{number % 24:02}:00:{number % 60:02}Z",
        "properties": {"product": "nbcamp", "track": "kotlin"} | properties,
    }


def post(product: RunningProduct, batch: int) -> None:
    """Send one of the batches that make the history."""
    calls = [call(number) for number in range(batch * BATCH, (batch + 1) * BATCH)]
    answer = product.post("/v1/batch", {"batch": calls}, auth=("dev", ""))
    assert answer.json() == {"success": True}


def refreshed(product: RunningProduct) -> bool:
    """Say whether all that was sent has been loaded, and let go from the spool."""
    return not any(product.settings.spool_folder.glob("*.arrow")) and not any(
        product.settings.spool_folder.glob("*.open")
    )


def told(product: RunningProduct) -> dict[str, Any]:
    """Return what the process tells of its plan."""
    answer = product.console.post("/control/jobs/plan")
    answer.raise_for_status()
    return dict(answer.json())


def kill(product: RunningProduct, *modules: str) -> None:
    """Kill processes of the product with SIGKILL; its supervisor starts them again."""
    for process in psutil.Process(product.process.pid).children():
        if set(modules) & set(process.cmdline()):
            process.kill()


def in_force(product: RunningProduct) -> bool:
    """Say whether the process, perhaps started anew, has no change of plan under way."""
    with suppress(AssertionError, httpx.HTTPError):
        product.client.close()
        product.console.close()
        product.__post_init__()
        return told(product)["what"] == ""
    return False


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    """Give a plan of the shipped events and the funnel `course`."""
    shutil.copytree(SHIPPED / "events", tmp_path / "plan" / "events")
    (tmp_path / "plan" / "funnels").mkdir()
    edit(tmp_path / "plan", FUNNEL)
    return tmp_path / "plan"


def edit(plan: Path, funnel: str) -> None:
    """Write the plan's funnel anew."""
    (plan / "funnels" / "course.yaml").write_text(funnel, encoding="utf-8")


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Give the entries of the history under the edited funnel, had it always been so."""
    folder = tmp_path_factory.mktemp("fresh")
    shutil.copytree(SHIPPED / "events", folder / "plan" / "events")
    (folder / "plan" / "funnels").mkdir()
    edit(folder / "plan", EDITED)
    with running_product(folder / "data", KEYS, plan=folder / "plan") as product:
        for batch in range(BATCHES):
            post(product, batch)
        product.wait_visible(lambda: refreshed(product))
        return product.sql(ENTRIES)


def test_edited_while_events_flow(tmp_path: Path, plan: Path, fresh: list[dict[str, Any]]) -> None:
    """Events before, during and after the rebuild stand as if the file had always been so."""
    sent = 0
    applied = Event()

    def flow(product: RunningProduct) -> None:
        nonlocal sent
        for batch in range(BATCHES):
            post(product, batch)
            sent = batch + 1
            if sent > BATCHES // 4:
                applied.wait(0.1)

    with running_product(tmp_path / "data", KEYS, plan=plan) as product:
        sender = Thread(target=flow, args=(product,))
        sender.start()
        product.wait_visible(lambda: sent >= BATCHES // 4 and told(product)["what"] == "")
        edit(plan, EDITED)
        before = sent
        assert CommandLine(product.settings).out("plan", "apply") == "The plan is in force.\n"
        assert sent > before
        applied.set()
        sender.join()
        product.wait_visible(lambda: refreshed(product))
        assert product.sql(ENTRIES) == fresh
    assert len({row["stage"] for row in fresh}) == 4


def test_killed_in_the_middle(tmp_path: Path, plan: Path, fresh: list[dict[str, Any]]) -> None:
    """Killed while it rebuilds, a process does so again when it is restarted."""
    with running_product(tmp_path / "data", KEYS, plan=plan) as product:
        for batch in range(BATCHES):
            post(product, batch)
        product.wait_visible(lambda: refreshed(product))
        edit(plan, EDITED)
        asked = {"content": orjson.dumps(str(plan))}
        product.console.post("/control/jobs/apply_plan", **asked).raise_for_status()
        while (what := told(product)["what"]) == "plan":
            pass
        kill(product, "funnelhouse.processes.warehouse")
        assert what in {"events", "people"}
        product.wait_visible(lambda: in_force(product))
        assert told(product)["error"] == ""
        assert product.sql(ENTRIES) == fresh


def test_refused_plan(tmp_path: Path, plan: Path) -> None:
    """A faulty funnel is told and stops nothing, not even restarts of all; mended it is applied."""
    with running_product(tmp_path / "data", KEYS, plan=plan) as product:
        command = CommandLine(product.settings)
        post(product, 0)
        product.wait_visible(lambda: refreshed(product))
        old = product.sql(ENTRIES)
        edit(plan, FAULTY)
        refused = command.run("plan", "apply")
        fault = 'funnels/course.yaml:10: the plan has no event "slak_joined"'
        assert (refused.returncode, fault in refused.stdout.decode()) == (1, True)
        kill(product, "funnelhouse.processes.warehouse", "funnelhouse.processes.worker")
        product.wait_visible(lambda: in_force(product))
        assert product.sql(ENTRIES) == old
        assert fault in command.out("status")
        post(product, 1)
        product.wait_visible(lambda: refreshed(product))
        assert len(product.sql(ENTRIES)) > len(old)
        edit(plan, EDITED)
        assert command.out("plan", "apply") == "The plan is in force.\n"
        assert "in force since" in command.out("status")


def test_first_plan_faulty(stopped: CommandLine, plan: Path) -> None:
    """Without a plan in force before, a faulty one ends the start with its faults."""
    edit(plan, FAULTY)
    ended = stopped.run("up", "--plan", str(plan))
    assert ended.returncode == 2
    assert 'funnels/course.yaml:10: the plan has no event "slak_joined"' in ended.stderr.decode()


def test_applied_where_nothing_runs(stopped: CommandLine, tmp_path: Path, plan: Path) -> None:
    """Without a running product the command itself brings the plan into force; others do not."""
    edited = shutil.copytree(plan, tmp_path / "edited")
    edit(edited, EDITED)
    stages = ("sql", "SELECT stage FROM stages ORDER BY stage_position", "--format", "csv")
    applied, other = (("plan", "apply", "--plan", str(folder)) for folder in (plan, edited))
    told = stopped.outs(applied, (*stages, "--plan", str(edited)), other, other, stages)
    in_force = "The plan is in force.\n"
    assert told[1].split() == ['"stage"', '"viewed"', '"passed"', '"joined"']
    assert [told[0], *told[2:4]] == [in_force, in_force, "The plan was in force already.\n"]
    assert '"moved"' in told[4]
