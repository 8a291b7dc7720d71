import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

RULES = Path(__file__).parents[2] / "deploy" / "prometheus" / "rules.yaml"


def test_every_metric_of_an_alert_is_exposed(product: Any) -> None:
    """Each metric that an alert rule names stands in /metrics of a running product."""
    product.wait_visible(lambda: "funnelhouse_loader_lag" in product.client.get("/metrics").text)
    rules = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"][0]["rules"]
    named = set(re.findall(r"funnelhouse_\w+", " ".join(rule["expr"] for rule in rules)))
    exposed = set(re.findall(r"^# TYPE (\w+)", product.client.get("/metrics").text, re.MULTILINE))
    assert named
    assert named <= exposed


@pytest.mark.skipif(not shutil.which("promtool"), reason="Debian's prometheus is not installed")
def test_prometheus_accepts_the_rules() -> None:
    """Prometheus' own checker finds no fault in the rules."""
    subprocess.run(["promtool", "check", "rules", str(RULES)], check=True)
