import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

ROOT = Path(__file__).parents[2]
RULES = ROOT / "deploy" / "prometheus" / "rules.yaml"
ALERTS = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"][0]["rules"]
with_promtool = pytest.mark.skipif(
    not shutil.which("promtool"), reason="Debian's prometheus is not installed"
)


def test_every_metric_of_an_alert_is_exposed(product: Any) -> None:
    """Each metric that an alert rule names stands in /metrics of a running product."""
    product.post("/v1/track", b"{}")
    product.wait_visible(lambda: "funnelhouse_loader_lag" in product.client.get("/metrics").text)
    named = set(re.findall(r"funnelhouse_\w+", " ".join(rule["expr"] for rule in ALERTS)))
    told = product.client.get("/metrics").text
    exposed = set(re.findall(r"^# TYPE (\w+)", told, re.MULTILINE))
    exposed |= {f"{name}_bucket" for name in exposed if f"{name}_bucket" in told}
    assert named
    assert named <= exposed


def test_the_warehouse_process_tells_of_its_loader_and_spool(product: Any) -> None:
    """Its own /metrics, which needs no key, has the loader's and the spool's and no others."""
    product.post("/v1/track", b"{}")
    product.wait_visible(lambda: "funnelhouse_loader_lag" in product.client.get("/metrics").text)
    told = httpx.get(f"{product.console_url}/metrics", timeout=60)
    assert told.headers["content-type"].startswith("text/plain; version=0.0.4")
    names = set(re.findall(r"^# TYPE (\w+)", told.text, re.MULTILINE))
    assert {name.split("_")[1] for name in names} == {"spool", "loader", "verification"}
    assert names <= set(
        re.findall(r"^# TYPE (\w+)", product.client.get("/metrics").text, re.MULTILINE)
    )


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_every_alert_leads_to_its_section_of_the_runbook(rule: dict[str, Any]) -> None:
    """The link names a heading, under which stand meaning, remedy and trial."""
    page, anchor = rule["annotations"]["runbook_url"].split("#")
    sections = (ROOT / page).read_text(encoding="utf-8").split("\n### ")
    (section,) = [text for text in sections if text.split("\n")[0].lower() == anchor]
    assert rule["alert"].lower() == anchor
    assert all(f"**{part}.**" in section for part in ("Means", "Do", "Try it"))


@with_promtool
@pytest.mark.parametrize(
    "check", [("check", "config", "prometheus.yaml"), ("test", "rules", "rules.test.yaml")]
)
def test_prometheus_accepts_the_files(check: tuple[str, ...]) -> None:
    """Prometheus' own checker finds no fault, and each alert goes off on its series alone."""
    done = subprocess.run(
        ["promtool", *check], cwd=RULES.parent, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_tried() -> None:
    """The series of rules.test.yaml set off each alert."""
    tried = yaml.safe_load((RULES.parent / "rules.test.yaml").read_text())["tests"]
    firing = str(tried)
    assert all(rule["alert"] in firing for rule in ALERTS)
