"""Experiments in the page: the readout's buckets, no flicker, exposures of what is seen."""

import shutil
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from playwright.sync_api import Browser, BrowserContext, Page, Route

from funnelhouse.analysis.bucketing import assigned
from funnelhouse.schemas.experiments import Experiment
from funnelhouse.schemas.registry import load_plan
from funnelhouse.settings import SHIPPED_PLAN
from tests.browser.conftest import SEGMENT_AGE_MS, STYLE, Site, Visits
from tests.conftest import WRITE_KEYS, running_product

CONTROL = "<div data-variant='oopy_guide:control' style='height:100px'>control</div>"
GUIDE = "<div data-variant='oopy_guide:guide_div' hidden style='height:100px'>guide</div>"
DEFINITIONS = "/tag/experiments.js*"
PATIENT = STYLE.replace(".3s", "5s")
"""The same, for a machine that may be busy: only the test of the 300 ms minds how long."""

WATCH = """
window.frames = [];
(function frame() {
  const seen = [...document.querySelectorAll('[data-variant]')]
    .filter(block => getComputedStyle(block).visibility == 'visible' && block.offsetHeight)
    .map(block => block.dataset.variant.split(':')[1]);
  const said = seen.join();
  if (window.frames.at(-1)?.said != said) window.frames.push({said, at: performance.now()});
  requestAnimationFrame(frame);
})();
"""
"""Notes at every frame which blocks are to be seen."""


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the shipped plan with experiments that run now, one of them on all of the traffic."""
    folder = tmp_path_factory.mktemp("plan") / "plan"
    shutil.copytree(SHIPPED_PLAN, folder)
    today = datetime.now(UTC).date()
    days = {"starts_on": today - timedelta(days=1), "ends_on": today + timedelta(days=20)}
    for file in (folder / "experiments").glob("*.yaml"):
        document = yaml.safe_load(file.read_text("utf-8")) | days
        if document["experiment"] == "oopy_guide":
            document["traffic"] = 1
        file.write_text(yaml.safe_dump(document, allow_unicode=True), "utf-8")
    return folder


@pytest.fixture(scope="module")
def experiments(plan: Path) -> dict[str, Experiment]:
    """Give the plan's experiments by name."""
    return {one.experiment: one for one in load_plan(plan).experiments}


@pytest.fixture(scope="module")
def tried(
    plan: Path, site: Site, browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Visits]:
    """Give visits beside a product of that plan."""
    data = tmp_path_factory.mktemp("tried")
    with running_product(data, WRITE_KEYS, plan=plan, segment_age_ms=SEGMENT_AGE_MS) as product:
        yield Visits(product, site, browser)


def visitor_of(experiment: Experiment, variant: str) -> str:
    """Draw the id of a device that gets a variant."""
    return next(
        unit for number in range(1000) if assigned(experiment, unit := f"unit-{number}") == variant
    )


def come_as(profile: BrowserContext, device: str) -> None:
    """Let the profile's pages know a device already."""
    me = f'{{"a": "{device}", "s": "s-{device}", "t": {time.time_ns() // 1_000_000}}}'
    profile.add_init_script(f"localStorage.fh ??= '{me}'")


def hold(profile: BrowserContext, path: str) -> Callable[[], None]:
    """Hold a file of the tag back until what is returned is called."""
    held: list[Route] = []

    def keep(route: Route) -> None:
        held.append(route)

    def release() -> None:
        for route in held:
            route.continue_()

    profile.route(f"**{path}", keep)
    return release


def frames(page: Page) -> list[dict[str, Any]]:
    """What was to be seen, in order."""
    seen: list[dict[str, Any]] = page.evaluate("window.frames")
    return seen


@pytest.mark.parametrize(
    "name", ["oopy_guide", pytest.param("floating_text", marks=pytest.mark.slow)]
)
def test_buckets_of_100000_ids(
    tried: Visits, experiments: dict[str, Experiment], name: str
) -> None:
    """The tag and the readout put each of 100,000 ids into the same variant."""
    url = tried.put(tried.host(), "/", CONTROL)
    with tried.profile() as profile:
        page = profile.new_page()
        page.goto(url)
        page.wait_for_function("!!window.fhTag?.drawn")
        text = tried.product.client.get("/tag/experiments.js").text
        definitions = text.rpartition("fhTag.experiments(")[2].removesuffix(")")
        drawn = page.evaluate(
            f"""() => {{
            const definition = {definitions}.find(one => one.experiment == '{name}');
            const units = [...Array(100_000).keys()].map(number => '방문자-' + number);
            return units.map(unit => fhTag.drawn(definition, unit) || null);
            }}"""
        )
    expected = [assigned(experiments[name], f"방문자-{number}") for number in range(100_000)]
    assert drawn == expected
    assert len(set(expected)) >= 2


@pytest.mark.parametrize("late", [False, True], ids=["at once", "after the first paint"])
def test_a_variant_without_flicker(
    tried: Visits, experiments: dict[str, Experiment], *, late: bool
) -> None:
    """Who is in the variant never sees the control, and is exposed once, by the variant in view."""
    host = tried.host()
    device = visitor_of(experiments["oopy_guide"], "guide_div")
    url = tried.put(host, "/", "<p>The page</p>" + CONTROL + GUIDE, PATIENT)
    with tried.profile() as profile:
        come_as(profile, device)
        profile.add_init_script(WATCH)
        page = profile.new_page()
        if late:
            release = hold(profile, DEFINITIONS)
            with page.expect_request(f"**{DEFINITIONS}"):
                page.goto(url, wait_until="commit")
            page.wait_for_function("performance.getEntriesByType('paint').length")
            release()
        else:
            page.goto(url)
        page.wait_for_function("window.frames.some(one => one.said)")
        tried.wait(host, "experiment_viewed")
        seen = [frame["said"] for frame in frames(page)]
        page.reload()
        tried.wait(host, "page_viewed", 2)
        page.goto("about:blank")
        tried.wait(host, "page_left", 2)
        exposures = tried.wait(host, "experiment_viewed")
    assert [said for said in seen if said] == ["guide_div"]
    assert [(row["properties"], row["anonymous_id"]) for row in exposures] == [
        ({"experiment_id": "oopy_guide", "variation_id": "guide_div"}, device)
    ]
    assert tried.named(host, "log_recorded") == []


@pytest.mark.parametrize("variant", ["control", "guide_div"])
def test_definitions_that_come_too_late(
    tried: Visits, experiments: dict[str, Experiment], variant: str
) -> None:
    """After 300 ms everybody sees the control, nobody is exposed, and the timeout is counted."""
    host = tried.host()
    url = tried.put(host, "/", CONTROL + GUIDE, STYLE)
    with tried.profile() as profile:
        come_as(profile, visitor_of(experiments["oopy_guide"], variant))
        profile.add_init_script(WATCH)
        release = hold(profile, DEFINITIONS)
        page = profile.new_page()
        with page.expect_request(f"**{DEFINITIONS}"):
            page.goto(url, wait_until="commit")
        page.wait_for_function("window.frames.some(one => one.said)")
        release()
        (log,) = tried.wait(host, "log_recorded")
        seen = frames(page)
        page.goto("about:blank")
        tried.wait(host, "page_left")
    assert [frame["said"] for frame in seen if frame["said"]] == ["control"]
    shown_after = next(frame["at"] for frame in seen if frame["said"]) - seen[0]["at"]
    assert shown_after <= 600  # the style's 300 ms, and frames of a busy machine
    assert log["properties"]["message"] == "Experiment timed out"
    assert log["properties"]["attributes"] == {"experiment": "oopy_guide"}
    assert tried.named(host, "experiment_viewed") == []


def test_without_the_collector(tried: Visits) -> None:
    """Where the definitions never come the control is shown."""
    url = tried.put(tried.host(), "/", CONTROL + GUIDE, STYLE)
    with tried.profile() as profile:
        profile.route("**/tag/experiments.js*", lambda route: route.abort())
        page = profile.new_page()
        page.goto(url)
        page.wait_for_function(
            "getComputedStyle(document.querySelector('[data-variant]')).visibility == 'visible'"
        )
        assert page.is_visible("text=control")
        assert not page.is_visible("text=guide")


def test_an_exposure_is_what_is_seen(tried: Visits, experiments: dict[str, Experiment]) -> None:
    """A variant down the page exposes when it comes into view, one by hand when it is asked."""
    host = tried.host()
    tall = "<div style='height:4000px'>tall</div>"
    url = tried.put(host, "/", tall + CONTROL + GUIDE, PATIENT)
    with tried.profile() as profile:
        come_as(profile, visitor_of(experiments["oopy_guide"], "control"))
        page = profile.new_page()
        page.goto(url)
        tried.wait(host, "page_viewed")
        assert page.evaluate("fhTag.seers.size") == 1
        page.evaluate("scrollTo(0, 1e6)")
        (row,) = tried.wait(host, "experiment_viewed")
        assert row["properties"]["variation_id"] == "control"
        answer = page.evaluate("new Promise(done => funnelhouse.variant('floating_text', done))")
        assert answer in {"general", "deadline", "support"}
        assert page.evaluate("new Promise(done => funnelhouse.variant('no_such', done))") is None
        page.evaluate("funnelhouse.variant('floating_text')")
        page.goto("about:blank")
        tried.wait(host, "page_left")
        rows = tried.wait(host, "experiment_viewed", 2)
    assert [row["properties"]["experiment_id"] for row in rows] == ["oopy_guide", "floating_text"]
    assert rows[1]["properties"]["variation_id"] == answer


def test_definitions_in_the_page(tried: Visits) -> None:
    """A page may bring definitions of its own, which count instead of the collector's."""
    host = tried.host()
    given = '[{"experiment":"own","unit":"device","seed":"s","variants":[["a",0,0],["b",0,1]]}]'
    url = tried.put(host, "/", "<p>x</p>", experiments=given)
    with tried.profile() as profile:
        page = profile.new_page()
        page.goto(url)
        page.wait_for_function("!!window.funnelhouse?.track")
        assert page.evaluate("new Promise(done => funnelhouse.variant('own', done))") == "b"
        assert page.evaluate("funnelhouse.variant('own')") == "b"
        (row,) = tried.wait(host, "experiment_viewed")
    assert row["properties"] == {"experiment_id": "own", "variation_id": "b"}


def test_a_block_that_comes_later(tried: Visits, experiments: dict[str, Experiment]) -> None:
    """A block that a script adds is switched before it is painted, without the snippet's style."""
    host = tried.host()
    url = tried.put(host, "/", "<main></main>" + GUIDE.replace("oopy_guide", "other"))
    with tried.profile() as profile:
        come_as(profile, visitor_of(experiments["oopy_guide"], "guide_div"))
        page = profile.new_page()
        page.goto(url)
        page.wait_for_function("!!window.fhTag?.drawn")
        page.evaluate(WATCH)
        page.evaluate(f"document.querySelector('main').innerHTML = `{GUIDE}`")
        (row,) = tried.wait(host, "experiment_viewed")
        assert row["properties"]["variation_id"] == "guide_div"
        assert [frame["said"] for frame in frames(page)][-1] == "guide_div"


def test_a_variant_is_kept(tried: Visits, experiments: dict[str, Experiment]) -> None:
    """Who had a variant keeps it, whatever the buckets say later; without consent none is drawn."""
    host = tried.host()
    device = visitor_of(experiments["oopy_guide"], "control")
    url = tried.put(host, "/", CONTROL + GUIDE, PATIENT)
    me = f'{{"a": "{device}", "s": "s", "t": 1, "v": {{"oopy_guide": ["guide_div", "{device}"]}}}}'
    with tried.profile() as profile:
        profile.add_init_script(f"localStorage.fh ??= '{me}'")
        page = profile.new_page()
        page.goto(url)
        (row,) = tried.wait(host, "experiment_viewed")
    assert row["properties"]["variation_id"] == "guide_div"
    host = tried.host()
    url = tried.put(host, "/", CONTROL + GUIDE, PATIENT, consent="anonymous")
    with tried.profile() as profile:
        page = profile.new_page()
        page.goto(url)
        tried.wait(host, "page_viewed")
        page.goto("about:blank")
        tried.wait(host, "page_left")
    assert tried.named(host, "experiment_viewed") == []
