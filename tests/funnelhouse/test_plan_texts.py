"""What the commands tell of a plan: changes, a page, types that a compiler takes, a draft."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from funnelhouse.schemas.check import check_plan
from funnelhouse.schemas.inference import draft
from tests.conftest import RunningProduct
from tests.funnelhouse.conftest import CommandLine

SHIPPED = Path(__file__).parents[2] / "schemas"
CLICKED = Path("events/cta/cta_clicked/1-0-0.json")


@pytest.fixture
def plans(tmp_path: Path) -> tuple[Path, Path]:
    """Give the shipped events twice: before and after."""
    for name in ("old", "new"):
        shutil.copytree(SHIPPED / "events", tmp_path / name / "events")
    return tmp_path / "old", tmp_path / "new"


def edit(file: Path, **changes: Any) -> None:
    """Change keys of a schema; a new version gets its own id."""
    schema = json.loads(file.read_text(encoding="utf-8")) | changes
    file.write_text(json.dumps(schema), encoding="utf-8")


def test_additive_and_breaking(stopped: CommandLine, plans: tuple[Path, Path]) -> None:
    """A new optional property adds, a new required one and a removed event break."""
    old, new = plans
    assert stopped.out("plan", "diff", str(old), str(new)) == "The events are the same.\n"
    schema = json.loads((old / CLICKED).read_text(encoding="utf-8"))
    added = schema["properties"] | {"tone": {"type": "string"}}
    edit(new / CLICKED, properties=added)
    told = stopped.out("plan", "diff", str(old), str(new))
    assert told == "additive  cta_clicked: version 1-0-0: adds tone\n"
    edit(new / CLICKED, required=["cta_id", "label"])
    shutil.rmtree(new / "events" / "cta" / "cta_shown")
    ended = stopped.run("plan", "diff", str(old), str(new))
    assert ended.returncode == 1
    lines = ended.stdout.decode().splitlines()
    assert lines[0].startswith('breaking  cta_clicked: version 1-0-0: required: "label"')
    assert lines[1] == "breaking  cta_shown: is removed, so it is refused"
    rows = json.loads(stopped.run("plan", "diff", str(old), str(new), "--json").stdout)
    assert [row["kind"] for row in rows] == ["breaking", "breaking"]


def test_a_page_of_the_plan(stopped: CommandLine) -> None:
    """Each event stands there with its properties, an example, and where it is expected."""
    page = stopped.out("plan", "docs")
    assert "### cta_clicked (CTA 클릭)" in page
    assert "| `cta_id` | string | yes | Stable identifier of the call to action |" in page
    assert '"cta_id": "apply-floating"' in page
    assert "| cta_clicked | cta_id, product, track |" in page


def test_types_that_python_takes(stopped: CommandLine, tmp_path: Path) -> None:
    """The module is imported, and mypy takes a good event and refuses a wrong one."""
    stopped.out("plan", "types", "python", "--output", str(tmp_path / "events_of_plan.py"))
    use = (
        "from events_of_plan import CtaClicked\n"
        "good: CtaClicked = {'cta_id': 'apply', 'position': 'hero'}\n"
        "bad: CtaClicked = {'cta_id': 1, 'position': 'nowhere'}\n"
    )
    (tmp_path / "use.py").write_text(use, encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--no-incremental", "use.py"]
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False).stdout
    assert "use.py:2" not in told
    assert told.count("use.py:3: error: Incompatible types") == 2


def test_types_of_typescript(stopped: CommandLine) -> None:
    """Required properties are plain, others optional, choices a union."""
    text = stopped.out("plan", "types", "typescript")
    assert "export interface CtaClicked {" in text
    assert "  cta_id: string;" in text
    assert '  position?: "header" | "hero" | "body"' in text
    assert "  cta_clicked: CtaClicked;" in text


def test_a_draft_of_what_came(
    product: RunningProduct, running: CommandLine, tmp_path: Path
) -> None:
    """An event that the plan has not is drafted from its rejected copies; the draft is a plan."""
    name = f"Banner Seen {uuid4().hex[:6]}"
    calls = [
        {
            "type": "track",
            "event": name,
            "anonymousId": "a",
            "properties": {
                "banner": "ab"[number % 2],
                "height": number * 1.5,
                "email": f"kim{number}@example.com",
                **({"note": "x"} if number else {}),
            },
        }
        for number in range(20)
    ]
    product.post("/v1/batch", {"batch": calls}, auth=("dev", ""))
    found = f"SELECT count() AS n FROM rejected_events WHERE sent_name = '{name}'"
    product.wait_visible(lambda: int(product.sql(found)[0]["n"]) == 20)
    schema = json.loads(running.out("plan", "infer", name, "--since", "1h", "--family", "banner"))
    properties = schema["properties"]
    assert properties["banner"] == {"type": "string", "enum": ["a", "b"]}
    assert properties["height"] == {"type": "number", "minimum": 0}
    assert properties["email"]["x-personal"] is True
    assert "email" not in schema["examples"][0]
    assert schema["required"] == ["banner", "height"]
    event = schema["$id"].split("/")[2]
    file = tmp_path / "events" / "banner" / event / "1-0-0.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(schema), encoding="utf-8")
    assert check_plan(tmp_path) == []
    ended = running.run("plan", "infer", "never came")
    assert ended.returncode == 2
    assert "--since 30d" in ended.stderr.decode()


def test_kinds_of_values_in_a_draft() -> None:
    """Dates, times, nested objects, lists and mixed kinds are each described."""
    seen = [
        {
            "on": "2024-01-01",
            "at": "2024-01-01T00:00:00Z",
            "cart": {"items": 2},
            "tags": ["a"],
            "any": 1,
            "none": None,
        },
        {"on": "2024-01-02", "at": "2024-01-02T00:00:00Z", "cart": {}, "tags": [], "any": "x"},
    ]
    properties = draft("x", "y", seen)["properties"]
    assert properties["on"] == {"type": "string", "format": "date"}
    assert properties["at"] == {"type": "string", "format": "date-time"}
    assert properties["cart"]["properties"] == {"items": {"type": "integer", "minimum": 0}}
    assert properties["tags"]["items"]["type"] == "string"
    assert properties["any"]["type"] == ["integer", "string"]
    assert properties["none"]["type"] == "null"
