"""Experiments read out by a running product: events over HTTP, verdicts by itself and asked."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from funnelhouse.analysis.bucketing import assigned
from funnelhouse.console.control import ADDRESS_FILE
from funnelhouse.schemas.registry import load_plan
from tests.conftest import RunningProduct, running_product
from tests.funnelhouse.conftest import CommandLine

SHIPPED = Path(__file__).parents[2] / "schemas"
KEYS = "dev:web,app:backend:server"
FUNNEL = """funnel: course
title: Course
title_ko: 과정
product: nbcamp
version: 1
valid_from: 2024-01-01
stages:
  - {stage: viewed, label_ko: 방문, event: page_viewed}
  - {stage: applied, label_ko: 지원, event: first_application_submitted, lead: true}
"""
EXPERIMENT = """experiment: NAME
title: Form
title_ko: 지원서
hypothesis: Fewer questions bring more applications.
owner: growth
starts_on: STARTS
ends_on: ENDS
unit: device
traffic: 1
variants: [{variant: a}, {variant: b}]
primary: {metric: applied, kind: stage, funnel: course, stage: applied}
guardrails:
  - {metric: clicks, kind: count, event: cta_clicked, limit: 0.5}
minimum_effect: 0.1
coverage:
  steps: [page_viewed]
  pairs:
    - {browser: form_submitted, server: first_application_submitted}
"""
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
DEVICES = [f"device-{number}" for number in range(400)]


def write(plan: Path, name: str, **changes: str) -> None:
    """Write an experiment that began the day before yesterday and has a week to go."""
    text = EXPERIMENT.replace("STARTS", str(datetime.now(UTC).date() - timedelta(days=2)))
    text = text.replace("ENDS", str(datetime.now(UTC).date() + timedelta(days=7))).replace(
        "NAME", name
    )
    for old, new in changes.items():
        text = text.replace(old, new)
    (plan / "experiments" / f"{name}.yaml").write_text(text, encoding="utf-8")


def calls(plan: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Tell what 400 devices do; of those with variant b of `broken` each fourth form is lost."""
    experiments = load_plan(plan).experiments
    at = datetime.now(UTC) - timedelta(days=1)
    for number, device in enumerate(DEVICES):
        variants = {one.experiment: assigned(one, device) for one in experiments}
        said = [("Page Viewed", {"product": "nbcamp"}, "dev")]
        said += [
            ("Experiment Viewed", {"experiment_id": name, "variation_id": variant}, "dev")
            for name, variant in variants.items()
        ]
        said += [("CTA Clicked", {"cta_id": "apply", "product": "nbcamp"}, "dev")]
        if number % 2:
            said += [("First Application Submitted", {"product": "nbcamp"}, "app")]
            if variants["broken"] == "a" or number % 8 > 1:
                said += [("Form Submitted", {"form_id": "first"}, "dev")]
        for second, (event, properties, key) in enumerate(said):
            yield (
                key,
                {
                    "type": "track",
                    "messageId": f"{device}-{second}",
                    "event": event,
                    "anonymousId": device,
                    "timestamp": (at + timedelta(seconds=second)).isoformat(),
                    "properties": properties,
                    "context": {"userAgent": FIREFOX},
                },
            )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with a plan of three experiments, one of them faulty."""
    folder = tmp_path_factory.mktemp("readouts")
    plan = folder / "plan"
    shutil.copytree(SHIPPED / "events", plan / "events")
    for name in ("funnels", "experiments"):
        (plan / name).mkdir()
    (plan / "funnels" / "course.yaml").write_text(FUNNEL, encoding="utf-8")
    write(plan, "whole")
    write(plan, "broken")
    write(plan, "faulty", applied="aplied")
    return folder


@pytest.fixture(scope="module")
def told(folder: Path) -> Iterator[tuple[RunningProduct, CommandLine]]:
    """Start the product anew after it has taken and loaded what the devices did."""
    plan = folder / "plan"
    with running_product(folder, KEYS, plan=plan) as product:
        for key in ("app", "dev"):
            batch = [call for its, call in calls(plan) if its == key]
            answer = product.post("/v1/batch", {"batch": batch}, auth=(key, ""))
            assert answer.json() == {"success": True}
        product.wait_visible(lambda: told_whole(product))
    (product.settings.run_folder / ADDRESS_FILE).unlink()
    with running_product(folder, KEYS, plan=plan, session_timeout_s=1) as product:
        yield product, CommandLine(product.settings)


def told_whole(product: RunningProduct) -> bool:
    """Say whether everybody's exposures and applications are refreshed."""
    (row,) = product.sql(
        "SELECT (SELECT count() FROM experiment_exposures_raw FINAL) AS shown,"
        " (SELECT count() FROM stage_entries WHERE stage = 'applied') AS applied"
    )
    counted = {name: int(count) for name, count in row.items()}
    return counted == {"shown": 2 * len(DEVICES), "applied": len(DEVICES) // 2}


def readouts(product: RunningProduct) -> list[dict[str, Any]]:
    """Read what stands in the view."""
    return product.sql("SELECT * FROM experiment_readouts ORDER BY experiment, position, variant")


def test_running_experiments_are_read_out_without_being_asked(
    told: tuple[RunningProduct, CommandLine],
) -> None:
    """Every sound experiment gets its rows by itself; the faulty one is left out alone."""
    product, _ = told
    found: list[dict[str, Any]] = []

    def read_whole() -> bool:
        # The first start has read out experiments before all was there.
        found[:] = readouts(product)
        units = sum(int(row["units"]) for row in found if row["position"] == 1)
        return units == 2 * len(DEVICES)

    product.wait_visible(read_whole)
    assert {(row["experiment"], row["verdict"]) for row in found} == {
        ("whole", "keep running"),
        ("broken", "not trustworthy"),
    }
    assert len(found) == 2 * 2 * 2
    applied = [row["total"] for row in found if row["metric"] == "applied"]
    assert sum(applied) == 2 * len(DEVICES) / 2


def test_a_readout_on_command_says_the_verdict(told: tuple[RunningProduct, CommandLine]) -> None:
    """The command reads out anew beside the running product, keeps the rows and says why."""
    product, command = told
    before = str(datetime.now(UTC).replace(tzinfo=None))
    said = command.out("experiment", "readout", "broken")
    assert "not trustworthy: Variant b lost form_submitted of units whose server event" in said
    rows = orjson.loads(command.out("experiment", "readout", "broken", "--json"))
    assert {row["verdict"] for row in rows} == {"not trustworthy"}
    kept = [row for row in readouts(product) if row["experiment"] == "broken"]
    assert len(kept) == len(rows)
    assert all(row["computed_at"] > before for row in kept)
    listed = orjson.loads(command.out("experiment", "list", "--json"))
    verdicts = {row["experiment"]: row["verdict"] for row in listed}
    assert set(verdicts) == {"whole", "broken"}
    assert verdicts["broken"] == "not trustworthy"


def test_sessions_follow_a_changed_timeout(told: tuple[RunningProduct, CommandLine]) -> None:
    """Started with a timeout of a second, forms two seconds later are sessions of their own."""
    product, command = told
    (forms,) = product.sql("SELECT count() AS n FROM events WHERE event_name = 'form_submitted'")
    wanted = len(DEVICES) + int(forms["n"])
    product.wait_visible(
        lambda: product.sql("SELECT count() AS n FROM sessions")[0]["n"] in {wanted, str(wanted)}
    )
    product.wait_visible(lambda: "in force since" in command.out("status"))


def test_a_readout_before_the_first_day_is_refused(
    told: tuple[RunningProduct, CommandLine],
) -> None:
    """A day before the experiment began, or an unknown experiment, ends in a sentence."""
    _, command = told
    early = command.run("experiment", "readout", "whole", "--as-of", "2024-01-01")
    assert (early.returncode, b"begins on" in early.stderr) == (2, True)
    unknown = command.run("experiment", "readout", "whale")
    assert (unknown.returncode, b'write "whole"' in unknown.stderr) == (2, True)


def test_a_faulty_experiment_is_told_with_file_line_and_mend(
    told: tuple[RunningProduct, CommandLine], folder: Path
) -> None:
    """The check of the plan names what the start has left out."""
    _, command = told
    checked = command.run("plan", "check", str(folder / "plan"))
    assert checked.returncode == 1
    (fault,) = checked.stdout.decode().splitlines()
    assert fault.startswith('experiments/faulty.yaml:11: the funnel has no stage "aplied"')
    assert fault.endswith('→ write "applied"')


def test_attribution_is_computed_beside_the_running_product(
    told: tuple[RunningProduct, CommandLine],
) -> None:
    """The command of the Markov model leaves its rows, and the view shows the model."""
    product, command = told
    now = datetime.now(UTC).date()
    days = {"first_day": str(now - timedelta(days=2)), "last_day": str(now)}
    options = ("--first-day", days["first_day"], "--last-day", days["last_day"])
    rows = orjson.loads(
        command.out("attribution", "markov", "course", "applied", *options, "--json")
    )
    assert rows == [{"channel": "direct", "removal_effect": 1.0, "share": 1.0}]
    asked = ", ".join(f"{name} = '{day}'" for name, day in days.items())
    (row,) = product.sql(
        "SELECT value, conversions FROM attribution(funnel = 'course', stage = 'applied',"
        f" {asked}, lookback_days = 30, half_life_days = 7)"
        " WHERE model = 'markov' AND dimension = 'channel'"
    )
    assert row == {"value": "direct", "conversions": len(DEVICES) / 2}
