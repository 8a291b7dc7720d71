"""The Playwright example, run by Playwright in a real browser against the running product."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import ARGUMENTS, CHROMIUM, Visits
from tests.protocols import npm

EXAMPLE = Path(__file__).parents[2] / "examples" / "playwright"
PACKAGES = Path(__file__).parent / "playwright"
CONFIGURATION = """
export default {
  workers: 1,
  use: { launchOptions: { executablePath: process.env.CHROMIUM, args: %s } },
};
"""
WRONG = """
import { test } from "./funnelhouse.js";

test("a click that is another", async ({ page, funnelhouse }) => {
  await page.goto(process.env.LANDING_URL);
  await page.getByRole("link", { name: "지원하기" }).click();
  await funnelhouse.expect("cta_clicked", { cta_id: "apply" });
  await funnelhouse.expect("cta_clicked", { cta_id: "other" }, { within_ms: 0 });
});

test("an order that is another", async ({ page, funnelhouse }) => {
  await page.goto(process.env.LANDING_URL);
  await funnelhouse.expect("page_viewed");
  await funnelhouse.sequence("page_viewed", { event: "cta_clicked" });
});
"""


def outcomes(suite: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Give the last result of each test of a report, by its title."""
    found = {
        spec["title"]: spec["tests"][0]["results"][-1]
        for file in suite["suites"]
        for spec in file["specs"]
    }
    assert suite["errors"] == []
    return found


def playwright(folder: Path, **environment: str) -> dict[str, dict[str, Any]]:
    """Run the tests of a folder by `playwright test`, and return how each ended."""
    command = ["node", "node_modules/@playwright/test/cli.js", "test", "--reporter=json"]
    ended = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "CHROMIUM": str(CHROMIUM), **environment},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert ended.stdout, ended.stderr
    return outcomes(json.loads(ended.stdout))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Lay the example beside its packages, as a team would, with the browser of this machine."""
    npm.install(PACKAGES)
    folder = Path(shutil.copytree(EXAMPLE, tmp_path / "example"))
    (folder / "node_modules").symlink_to(PACKAGES / "node_modules")
    (folder / "playwright.config.js").write_text(CONFIGURATION % json.dumps(ARGUMENTS))
    (folder / "wrong.spec.js").write_text(WRONG)
    return folder


def test_the_example_runs(visits: Visits, folder: Path) -> None:
    """It passes as it stands where the events come, tells why where not, and reports stay clean.

    What a page sends by a beacon when it ends is of the run too.
    """
    host = visits.host()
    link = "<a data-cta='apply' data-cta-position='hero' href='/applied'>지원하기</a>"
    url = visits.put(host, "/", link, prop_product="nbcamp")
    visits.put(host, "/applied", "<p>thanks</p>", prop_product="nbcamp")
    ended = playwright(folder, FUNNELHOUSE_URL=visits.product.console_url, LANDING_URL=url)
    example = ended.pop("the landing page logs its view and the click on apply")
    assert example["status"] == "passed", example["errors"]
    said = {title: one["errors"][0]["message"] for title, one in ended.items()}
    assert 'cta_id is "apply", expected "other"' in said.pop("a click that is another")
    assert "cta_clicked: " in said.pop("an order that is another")
    assert said == {}
    found = visits.product.sql(
        "SELECT run, countIf(event_name = 'page_left') AS ends FROM run_events GROUP BY run"
    )
    assert len(found) == 3
    assert max(int(one["ends"]) for one in found) > 0
    assert visits.names(host) == []
