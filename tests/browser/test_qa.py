"""QA mode: the run on every event, the panel in the page, verdicts in the console."""

from playwright.sync_api import Page

from tests.browser.conftest import NOTHING_WAITS, STYLE, Visits, is_batch
from tests.docs.test_readme import README

BODY = "<a data-cta='apply' data-cta-position='nowhere' href='#x'>apply</a>"
PANEL = """() => {
  const host = [...document.querySelectorAll('div')].find(one => one.shadowRoot);
  const rows = host ? [...host.shadowRoot.querySelectorAll('li')] : [];
  return rows.map(row => row.className + ' ' + row.textContent);
}"""


def panel(page: Page, until: str) -> list[str]:
    """The rows of the panel, once one of them begins so."""
    page.wait_for_function(
        "([panel, until]) => eval(panel)().some(row => row.startsWith(until))", arg=[PANEL, until]
    )
    rows: list[str] = page.evaluate(PANEL)
    return rows


def test_a_run(visits: Visits) -> None:
    """A run marks what its tab sends from page to page, and each event shows its verdict."""
    host = visits.host()
    url = visits.put(host, "/", BODY)
    second = visits.put(host, "/b", "<p>b</p>")
    with visits.profile() as profile:
        page = profile.new_page()
        page.goto(f"{url}?fh_run=run-7")
        rows = panel(page, "bad ")
        assert any(row.startswith("ok ✓ page") for row in rows)
        (bad,) = [row for row in rows if row.startswith("bad ")]
        assert "cta_shown" in bad
        assert "$.properties.position" in bad
        page.goto(second)
        panel(page, "ok ")
        visits.wait(host, "page_viewed", 2)
        other = profile.new_page()
        other.goto(second)
        assert other.evaluate(PANEL) == []
        views = visits.wait(host, "page_viewed", 3)
    runs = [view["payload"]["context"].get("run") for view in views]
    assert runs == ["run-7", "run-7", None]


def test_what_the_plan_expects_here(visits: Visits) -> None:
    """The panel lists what this page should have sent, until it has with all its properties."""
    host = visits.host()
    url = visits.put(host, "/kotlin", "<p>x</p>")
    expected = [
        {"event": "page_viewed", "properties": [], "pages": [f"{host}/%"]},
        {"event": "guide_opened", "properties": ["guide_id", "entry"], "pages": []},
        {"event": "cta_shown", "properties": [], "pages": ["elsewhere.example/%"]},
    ]
    with visits.profile() as profile:
        page = profile.new_page()
        page.goto(f"{url}?fh_run=run-8")
        panel(page, "ok ")
        page.evaluate("fhTag.panel(given)".replace("given", str(expected)))
        rows = [row for row in page.evaluate(PANEL) if "expected here" in row]
        assert rows == ["wait … guide_opened expected here · guide_id · entry"]
        page.evaluate("funnelhouse.track('Guide Opened', {guide_id: 'g'})")
        page.wait_for_function(f"({PANEL})().filter(row => row.startsWith('ok')).length == 2")
        assert any("expected here" in row for row in page.evaluate(PANEL))
        page.evaluate("funnelhouse.track('Guide Opened', {guide_id: 'g', entry: 'cta'})")
        page.wait_for_function(f"!({PANEL})().some(row => row.includes('expected here'))")


def test_verdicts_in_the_console(visits: Visits) -> None:
    """On a development host what the plan refuses stands in the console, elsewhere nothing does."""
    said: dict[str, list[str]] = {}
    for host in ("localhost", visits.host()):
        url = visits.put(host, "/console", BODY)
        with visits.profile() as profile:
            page = profile.new_page()
            lines = said.setdefault(host, [])
            page.on("console", lambda message, lines=lines: lines.append(message.text))
            with page.expect_event("requestfinished", is_batch):
                page.goto(url)
            page.wait_for_function(NOTHING_WAITS)
    assert "funnelhouse" in str(said.pop("localhost"))
    assert "funnelhouse" not in str(said)


def test_lines_of_the_readme() -> None:
    """The line of style that the tests use is the one that the README gives."""
    assert STYLE in README
