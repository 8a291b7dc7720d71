"""Visits under random kills of the collector: what the pages made is in the warehouse exactly once.

A profile is an origin of its own: its storage and its cookie are nobody else's.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random

import psutil
import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser.conftest import NOTHING_WAITS, Site, Visits, stay
from tests.conftest import RunningProduct, running_product

TABS = 24
EACH = 3
BODY = """<script>
const f = window.funnelhouse = []; f.track = (...given) => f.push(['track', ...given]);
const visit = location.search.replace('?visit=', '/');
for (const n of [0, 1, 2]) f.track('Guide Opened', {guide_id: location.host + visit + n});
</script>"""
THE_TAG_IS_THERE = "!Array.isArray(window.funnelhouse)"
"""Holds in a page when the tag has taken over the calls that were made before."""
SEED = 20240729
PAUSE_S = (2, 15)
"""Between two kills; a collector is up again after about two seconds."""


@contextmanager
def killing(product: RunningProduct, random: Random) -> Iterator[None]:
    """Kill the collector at random moments; the supervisor starts it again."""
    over = threading.Event()

    def strike() -> None:
        while not over.wait(random.uniform(*PAUSE_S)):
            for process in psutil.Process(product.process.pid).children():
                with suppress(psutil.Error):
                    if "funnelhouse.processes.worker" in process.cmdline():
                        process.kill()

    killer = threading.Thread(target=strike)
    killer.start()
    try:
        yield
    finally:
        over.set()
        killer.join()


def visit(tabs: list[Page], urls: list[str], random: Random) -> None:
    """Open each page in a tab that leaves another for it, some at once, some after a moment."""
    for number, url in enumerate(urls):
        tab = tabs[number % len(tabs)]
        tab.goto(url, wait_until="load")
        if random.random() < 0.2:
            stay(tab, random.uniform(0, 1_500))


def come_back(tabs: list[Page], urls: list[str]) -> None:
    """Open each page once more, and stay until the collector has answered for everything."""
    for start in range(0, len(urls), len(tabs)):
        pairs = list(zip(tabs, urls[start:], strict=False))
        for tab, url in pairs:
            tab.goto(url, wait_until="load")
        for tab, _ in pairs:
            tab.wait_for_function(THE_TAG_IS_THERE)
            tab.wait_for_function(NOTHING_WAITS, timeout=120_000)


@pytest.mark.parametrize(
    "profiles",
    [
        12,
        pytest.param(5_000, marks=[pytest.mark.slow, pytest.mark.timeout(7_200)]),
    ],
)
def test_visits_under_kills(tmp_path: Path, site: Site, browser: Browser, profiles: int) -> None:
    """Two visits of each profile leave exactly the events that their pages made."""
    random = Random(SEED)
    with running_product(tmp_path, "dev:web") as product:
        visits = Visits(product, site, browser)
        host = visits.host()
        hosts = [f"p{number}.{host}" for number in range(profiles)]
        urls = [visits.put(one, "/", "", BODY) for one in hosts]
        with visits.profile() as profile:
            tabs = [profile.new_page() for _ in range(min(TABS, profiles))]
            with killing(product, random):
                visit(tabs, [f"{url}?visit=1" for url in urls], random)
                come_back(tabs, [f"{url}?visit=2" for url in urls])
            leave(profile)
        made = {f"{one}:{site.port}/{n}{k}" for one in hosts for n in (1, 2) for k in range(EACH)}
        opened = "event_name = 'guide_opened'"
        statement = (
            "SELECT JSONExtractString(properties, 'guide_id') AS made, count() AS times"
            f" FROM events WHERE {opened} GROUP BY made"
        )
        product.wait_visible(lambda: len(product.sql(statement)) >= len(made), 120)
        found = {row["made"]: int(row["times"]) for row in product.sql(statement)}
        views = product.sql("SELECT count() AS times FROM events WHERE event_name = 'page_viewed'")
        (ledger,) = product.sql(
            "SELECT sum(received) AS received, sum(duplicate) AS copies FROM ledger_minutely"
        )
    print(f"\n{len(made)} events made by hand, {ledger}")  # noqa: T201 - a figure to be seen
    assert found == dict.fromkeys(made, 1)
    assert int(views[0]["times"]) == 2 * profiles


def leave(profile: BrowserContext) -> None:
    """Close the tabs."""
    for page in profile.pages:
        page.close()
