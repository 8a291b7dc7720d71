"""A browser walks the console, with hostile data in it: nothing runs, and axe-core finds no fault.

Screenshots are kept beside the test's other artefacts, in `test-artefacts/console`.
"""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.conftest import READ_KEY, RunningProduct
from tests.console.test_pages import HOSTILE, send_hostile

playwright = pytest.importorskip("playwright.sync_api")

AXE = "axe-core@4.14.1"
ARTEFACTS = Path(__file__).parents[2] / "test-artefacts" / "console"
PAGES = {
    "today": "/",
    "funnel": "/funnel",
    "experiments": "/experiments?key=oopy_guide",
    "coverage": "/coverage",
    "cell": "/coverage/cell?coverage=landing&event=cta_clicked",
    "live": "/live",
    "sessions": f"/sessions?person={quote(HOSTILE)}",
    "sql": "/sql?query="
    + quote("SELECT toDate('2024-01-01') + number AS d, number FROM numbers(9)"),
    "login": "/login",
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Start a headless Chromium, the system's own where there is one."""
    found = shutil.which("chromium") or shutil.which("google-chrome")
    with playwright.sync_playwright() as driver:
        try:
            started = driver.chromium.launch(executable_path=found, args=["--no-sandbox"])
        except playwright.Error as error:
            pytest.skip(f"there is no Chromium: {error}")
        yield started
        started.close()


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Fetch axe-core from npm, of one version."""
    folder = tmp_path_factory.mktemp("axe")
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("there is no npm")
    command = [npm, "install", "--no-save", "--no-audit", "--no-fund", "--prefix", folder, AXE]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        pytest.skip(f"axe-core cannot be fetched: {done.stderr[-300:]}")
    return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


@pytest.fixture(scope="module", autouse=True)
def _hostile(product: RunningProduct) -> None:
    send_hostile(product)


DARK = list(PAGES)[:2]
"""The pages that the ordinary run looks at in the dark, too."""


@pytest.mark.parametrize(
    ("name", "scheme"),
    [
        *((name, "light") for name in PAGES),
        *(
            pytest.param(name, "dark", marks=() if name in DARK else pytest.mark.slow)
            for name in PAGES
        ),
    ],
)
def test_a_page(product: RunningProduct, browser: Any, axe: str, name: str, scheme: str) -> None:
    """It opens without an error or a refused resource, runs nothing of strangers, and is clean."""
    language = "ko-KR" if scheme == "dark" else "en-GB"
    context = browser.new_context(
        color_scheme=scheme,
        locale=language,
        viewport={"width": 1200, "height": 900},
    )
    context.add_cookies(
        [{"name": "funnelhouse_key", "value": READ_KEY, "url": product.console_url}]
    )
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("dialog", lambda dialog: faults.append(dialog.message))
    page.on("console", lambda one: faults.append(one.text) if one.type == "error" else None)
    answer = page.goto(product.console_url + PAGES[name], wait_until="load")
    assert answer.status == 200
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=ARTEFACTS / f"{name}-{scheme}.png", full_page=True)
    assert faults == []
    # The policy of the page keeps scripts out, this one too: it comes by the debugger.
    page.evaluate(axe)
    found = page.evaluate("axe.run()")
    violations = [
        (one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found["violations"]
    ]
    assert violations == []
    context.close()


def test_the_keyboard_reaches_the_content(product: RunningProduct, browser: Any) -> None:
    """The first Tab offers to skip to the content, and every link of the navigation is reached."""
    context = browser.new_context()
    context.add_cookies(
        [{"name": "funnelhouse_key", "value": READ_KEY, "url": product.console_url}]
    )
    page = context.new_page()
    page.goto(product.console_url)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    reached = []
    for _ in range(7):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.getAttribute('href')"))
    assert reached == ["/", "/funnel", "/experiments", "/coverage", "/live", "/sessions", "/sql"]
    context.close()


def test_the_live_tail_shows_what_lands(product: RunningProduct, browser: Any) -> None:
    """A rejected event appears with its reason and path, as text."""
    context = browser.new_context()
    context.add_cookies(
        [{"name": "funnelhouse_key", "value": READ_KEY, "url": product.console_url}]
    )
    page = context.new_page()
    with page.expect_response("**/live/events"):
        page.goto(f"{product.console_url}/live")
    send_hostile(product)
    item = page.locator("#live li.rejected").first
    item.wait_for(timeout=30_000)
    assert "$.event" in page.locator("#live li.rejected code").all_inner_texts()
    page.screenshot(path=ARTEFACTS / "live-filled.png")
    page.locator("#only-bad").check()
    assert page.locator("#live li:not(.rejected):visible").count() == 0
    context.close()
