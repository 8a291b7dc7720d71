"""Delivery by the tag: what a page saw arrives once, whatever happens to page, tab and network."""

from collections import Counter
from contextlib import suppress
from typing import Any

import orjson
from playwright.sync_api import BrowserContext, Error, Page, Request, Route

from tests.browser.conftest import NOTHING_WAITS, Visits, elsewhere

BATCH = "**/v1/batch*"
CTA = "<a data-cta='apply' href='/next'>apply</a>"
HAS_TRIED = "performance.getEntriesByType('resource').some(({name}) => /v1.batch/.test(name))"
"""Holds in a page that has had an answer to a batch of its own."""
NOBODY_SENDS = "navigator.locks.request('fh', () => {})"
"""Tabs send in turns: whoever gets the next turn knows that those who wanted to send have."""
HAVE_THE_TURN = """new Promise(had => navigator.locks.request(
    'fh', () => new Promise(done => { window.passOn = done; had(); })))"""
TABS_THAT_WAIT_FOR_IT = """number => {
    navigator.locks.query().then(({pending}) => window.tabs = new Set(
        pending.map(({clientId}) => clientId)).size);
    return window.tabs == number; }"""
MAX_BATCH_BYTES = 65_536
SLACK_MS = 900
"""What a page's clock goes on by itself while a test asks it."""

PAUSE_S = 600
MARGIN_S = 60
A_LONG_PAUSE = {
    "access-control-allow-origin": "*",
    "access-control-expose-headers": "retry-after",
    "retry-after": str(PAUSE_S),
}


def posted(request: Request) -> list[str]:
    """Message ids in the body of a batch."""
    return [
        event["messageId"]
        for event in orjson.loads(request.post_data_buffer or b"{}").get("batch", [])
    ]


def queued(page: Page) -> int:
    """How many events a page's origin keeps until they have an answer."""
    keys: int = page.evaluate("Object.keys(localStorage).filter(key => /^fhq/.test(key)).length")
    return keys


def note_errors(page: Page) -> list[str]:
    """Collect what the page's own console would show as uncaught."""
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    return errors


def refuse(profile: BrowserContext, **answer: Any) -> list[Request]:
    """Answer batches so in place of the collector, and note them."""
    seen: list[Request] = []

    def refused(route: Route) -> None:
        seen.append(route.request)
        route.fulfill(headers={"access-control-allow-origin": "*"}, **answer)

    profile.route(BATCH, refused)
    return seen


def test_a_page_left_as_the_tag_arrives(visits: Visits) -> None:
    """What was said before the tag was there is kept, however soon after it the visitor leaves."""
    host = visits.host()
    early = (
        "<script>window.funnelhouse = [['track', 'Guide Opened', {guide_id: 'early'}]];"
        "document.addEventListener('load', ({target}) => {"
        "if (!/tag.js/.test(target.src)) return;"
        "dispatchEvent(new Event('pagehide')); window.left = JSON.stringify(localStorage);"
        "}, true);</script>"
    )
    url = visits.put(host, "/", "", early)
    with visits.profile() as profile:
        page = profile.new_page()
        page.goto(url)
        kept = page.evaluate("left")
        elsewhere(page)
    assert "early" in kept
    (opened,) = visits.wait(host, "guide_opened")
    assert opened["properties"]["guide_id"] == "early"
    assert len(visits.wait(host, "page_viewed")) == 1


def test_a_page_that_is_left_in_the_click(visits: Visits) -> None:
    """A click that leaves the page at once goes by beacon, and stays until it has an answer."""
    host = visits.host()
    url = visits.put(host, "/", CTA)
    visits.site.pages[host, "/next"] = "<p>next</p>"
    with visits.profile() as profile:
        page = profile.new_page()
        page.goto(url)
        page.wait_for_function("window.fhTag && fhTag.eyes")
        page.click("a")
        page.wait_for_url("**/next")
        visits.wait(host, "cta_clicked")
        visits.wait(host, "page_left")
        assert queued(page) >= 3
        page.goto(url)
        page.wait_for_function(NOTHING_WAITS)
        visits.wait(host, "page_viewed", 2)
    assert Counter(visits.names(host))["cta_clicked"] == 1


def test_what_another_tab_delivered(visits: Visits) -> None:
    """What has left the store, since another tab had its answer, is not sent as this one leaves."""
    url = visits.put(visits.host(), "/", CTA)
    with visits.profile() as profile:
        seen = refuse(profile, status=503)
        page = profile.new_page()
        page.goto(url)
        page.wait_for_function(HAS_TRIED)
        delivered = set(posted(seen[0]))
        with page.expect_request(lambda request: request.resource_type == "ping") as beacon:
            page.evaluate("""for (const key in localStorage) {
                if (/^fhq/.test(key)) localStorage.removeItem(key);
            }
            dispatchEvent(new Event('pagehide'));""")
        later = set(posted(beacon.value))
    assert delivered
    assert later
    assert not delivered & later


def test_a_tab_that_crashes(visits: Visits) -> None:
    """What a tab had not sent when it crashed is sent by the next page, under the same ids."""
    host = visits.host()
    url = visits.put(host, "/", CTA)
    with visits.profile() as profile:
        refuse(profile, status=503)
        page = profile.new_page()
        page.goto(url)
        page.wait_for_function("!!window.funnelhouse?.track")
        page.evaluate("funnelhouse.track('Guide Opened', {guide_id: 'crash'})")
        kept = page.evaluate("Object.keys(localStorage).filter(key => /^fhq/.test(key)).sort()")
        with page.expect_event("crash"), suppress(Error):
            page.goto("chrome://crash")
        page.close()
        profile.unroute(BATCH)
        profile.new_page().goto(url)
        (row,) = visits.wait(host, "guide_opened")
        visits.wait(host, "page_viewed", 2)
    assert f"fhq{row['event_id'].replace('-', '')}" in kept


def test_offline_then_online(visits: Visits) -> None:
    """Events of a page without network go out when it is back."""
    host = visits.host()
    url = visits.put(host, "/", CTA)
    with visits.profile() as profile:
        page = profile.new_page()
        page.goto(url)
        visits.wait(host, "page_viewed")
        profile.set_offline(True)
        with page.expect_event("requestfailed"):
            page.evaluate("funnelhouse.track('Guide Opened', {guide_id: 'offline'})")
        assert queued(page) >= 1
        profile.set_offline(False)
        (row,) = visits.wait(host, "guide_opened")
        log = visits.wait(host, "log_recorded")[0]["properties"]
    assert row["properties"]["guide_id"] == "offline"
    assert log["message"] == "Sending failed"
    assert log["attributes"]["times"] >= 1


def test_retry_after_is_honoured(visits: Visits) -> None:
    """A collector that asks for a pause gets it, and then the same events under the same ids.

    Nobody posts meanwhile, not even who waited for a turn as the collector answered.
    """
    host = visits.host().replace(".example", ".localhost")  # where the browser has locks
    url = visits.put(host, "/", CTA)
    with visits.profile() as profile:
        asked: list[Route] = []

        def take(route: Route) -> None:
            asked.append(route)
            if route is not asked[0]:
                route.fulfill(status=503, headers=A_LONG_PAUSE)

        profile.route(BATCH, take)
        page = profile.new_page()
        page.clock.install()
        with page.expect_request(BATCH):
            page.goto(url)
        page.evaluate("funnelhouse.track('Guide Opened', {guide_id: 'patience'})")
        page.evaluate("dispatchEvent(new Event('online'))")
        (first,) = asked
        first.fulfill(status=503, headers=A_LONG_PAUSE)
        page.evaluate(NOBODY_SENDS)
        page.clock.fast_forward((PAUSE_S - MARGIN_S) * 1000)
        page.evaluate(NOBODY_SENDS)
        assert asked == [first]
        profile.unroute(BATCH)
        with page.expect_request(BATCH) as second:
            page.clock.fast_forward(2 * MARGIN_S * 1000)
        visits.wait(host, "guide_opened")
        assert set(posted(first.request)) <= set(posted(second.value))
    assert Counter(visits.names(host))["page_viewed"] == 1


def test_pauses_grow(visits: Visits) -> None:
    """Without a Retry-After each pause is about twice the one before, from half a second on."""
    url = visits.put(visits.host(), "/", CTA)
    with visits.profile() as profile:
        seen = refuse(profile, status=503)
        profile.add_init_script("Math.random = () => 0")  # the longest pause
        page = profile.new_page()
        page.clock.install()
        with page.expect_request(BATCH):
            page.goto(url)
        for pause_s in (1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300):
            page.wait_for_function("localStorage.fhw > Date.now()")
            waits_ms = page.evaluate("localStorage.fhw - Date.now()")
            assert pause_s * 1000 - SLACK_MS < waits_ms <= pause_s * 1000
            with page.expect_request(BATCH):
                page.clock.fast_forward(pause_s * 1000)
    assert len({event for request in seen for event in posted(request)}) >= 2


def test_batches_of_a_page_that_is_left(visits: Visits) -> None:
    """However much waits, no batch is over the 64 KiB that browsers let under way at the end."""
    host = visits.host()
    url = visits.put(host, "/", CTA)
    with visits.profile() as profile:
        page = profile.new_page()
        sent: list[Request] = []
        page.on("request", lambda one: sent.append(one) if "/v1/batch" in one.url else None)
        page.goto(url)
        page.wait_for_function("!!window.fhTag?.eyes")
        page.evaluate(
            """() => { for (let n = 0; n < 60; n++)
            funnelhouse.track('Guide Opened', {guide_id: String(n), text: '가'.repeat(2500)}) }"""
        )
        page.evaluate("dispatchEvent(new Event('pagehide'))")
        visits.wait(host, "guide_opened")
        beacons = [one for one in sent if one.resource_type == "ping"]
        page.goto(url)
        rows = visits.wait(host, "guide_opened", 60)
    assert beacons
    assert all("text/plain" in one.headers["content-type"] for one in beacons)
    assert all("writeKey=dev" in one.url for one in beacons)
    assert max(len(one.post_data_buffer or b"") for one in sent) < MAX_BATCH_BYTES
    assert len(rows) == 60


def test_tabs_share_one_queue(visits: Visits) -> None:
    """Tabs of one queue post in turns, one at a time; what all of them keep arrives once."""
    path = "/tabs"
    url = visits.put("localhost", path, CTA)
    with visits.profile() as profile:
        refuse(profile, status=503)
        pages = [profile.new_page() for _ in range(3)]
        for page in pages:
            page.goto(url)
            page.evaluate("funnelhouse.track('Guide Opened', {guide_id: 'tab'})")
        for page in pages:
            page.wait_for_function(HAS_TRIED)
        first, *_ = pages
        first.evaluate(HAVE_THE_TURN)
        profile.unroute(BATCH)
        sent: list[Request] = []
        profile.on("request", lambda request: sent.append(request) if posted(request) else None)
        for page in pages:
            page.evaluate("dispatchEvent(new Event('online'))")
        first.wait_for_function(TABS_THAT_WAIT_FOR_IT, arg=len(pages))
        assert sent == []
        first.evaluate("passOn()")
        for page in pages:
            page.wait_for_function(NOTHING_WAITS)
        assert sent
        statement = (
            f"SELECT 1 FROM events WHERE page_path = '{path}' AND event_name = 'guide_opened'"
        )
        visits.product.wait_visible(lambda: len(visits.product.sql(statement)) == 3)


def test_calls_before_the_tag_is_there(visits: Visits) -> None:
    """Calls made on the stub are kept in order; a page that calls page() itself is viewed once."""
    host = visits.host()
    stub = (
        "<script>{const f=window.analytics=[];for(const m of ['page','track','identify'])"
        "f[m]=(...a)=>f.push([m,...a])}analytics.page('docs','Guide');"
        "analytics.identify('u-1',{occupation:'취준생'});"
        "analytics.track('Guide Opened',{guide_id:'stub'})</script>"
    )
    url = visits.put(host, "/", CTA, stub, name="analytics")
    with visits.profile() as profile:
        page = profile.new_page()
        page.goto(url)
        visits.wait(host, "guide_opened")
        page.evaluate("analytics.track('Survey Answered', {survey_id: 's', product: 'nbcamp'})")
        visits.wait(host, "survey_answered")
    rows = visits.rows(host, where="event_name NOT IN ('cta_shown')")
    assert [(row["event_name"], row["user_id"]) for row in rows] == [
        ("page_viewed", ""),
        ("identified", "u-1"),
        ("guide_opened", "u-1"),
        ("survey_answered", "u-1"),
    ]
    assert rows[0]["properties"]["name"] == "Guide"
    assert rows[0]["properties"]["category"] == "docs"


def test_two_copies_of_the_tag(visits: Visits) -> None:
    """A page that loads the tag twice is viewed once."""
    host = visits.host()
    url = visits.put(host, "/", CTA + visits.snippet(), visits.snippet())
    with visits.profile() as profile:
        profile.new_page().goto(url)
        visits.wait(host, "page_viewed")
        visits.wait(host, "cta_shown")
    assert Counter(visits.names(host)) == {"page_viewed": 1, "cta_shown": 1}


def test_properties_of_all_kinds(visits: Visits) -> None:
    """Cycles, functions, elements, megabytes and getters that throw stop nothing."""
    host = visits.host()
    url = visits.put(host, "/", CTA)
    with visits.profile() as profile:
        page = profile.new_page()
        errors = note_errors(page)
        page.goto(url)
        page.wait_for_function("!!window.funnelhouse?.track")
        page.evaluate(
            """() => {
            const opened = more => funnelhouse.track('Guide Opened', {guide_id: 'odd', ...more});
            const cycle = {deep: {}, twice: 1};
            cycle.deep.back = cycle; cycle.deep.list = [cycle, 2];
            opened({cycle});
            opened({work() {}, big: 12n, element: document.body, nothing: undefined, no: NaN});
            opened({megabytes: 'x'.repeat(3e6)});
            opened({many: Array(1e5).fill('megabytes')});
            funnelhouse.track('Guide Opened', {guide_id: 'odd', get bad() { throw Error('no'); }});
            opened({half: 'a\\ud83d'});
            let deep = {}; for (let n = 0; n < 1e5; n++) deep = {deep};
            opened({deep});
            funnelhouse.track('Guide Opened', 'text');
            funnelhouse.track();
            funnelhouse.identify(null); funnelhouse.page(Symbol()); funnelhouse.variant();
            }"""
        )
        rows = visits.wait(host, "guide_opened", 4)
        assert page.evaluate("document.title") == "Title of /"
        visits.product.wait_visible(lambda: len(visits.rejected(host)) >= 3)
        refused = visits.rejected(host)
    assert errors == []
    sent = [row["properties"] for row in rows]
    assert {"guide_id": "odd", "cycle": {"deep": {"list": [None, 2]}, "twice": 1}} in sent
    assert {"guide_id": "odd", "big": "12", "no": None} in sent
    assert {"guide_id": "odd", "half": "a\ufffd"} in sent
    assert [len(one["megabytes"]) for one in sent if "megabytes" in one] == [8_000]
    unsent = [orjson.loads(row["payload"]).get("properties") for row in refused]
    assert [one for one in unsent if one and "unsent" in one]


def test_storage_that_throws_and_a_clock_that_stands(visits: Visits) -> None:
    """Without storage, cookies and a moving clock the page goes on and its events arrive."""
    host = visits.host()
    url = visits.put(host, "/", CTA)
    with visits.profile() as profile:
        profile.add_init_script(
            """for (const [of, name] of [[window, 'localStorage'], [window, 'sessionStorage'],
                [document, 'cookie']])
              Object.defineProperty(of, name, {get() { throw Error(); }, set() { throw Error(); }});
            const still = Date.now(); Date.now = () => still;"""
        )
        page = profile.new_page()
        errors = note_errors(page)
        page.goto(url)
        page.wait_for_function("window.fhTag && fhTag.eyes")
        page.click("a")
        visits.wait(host, "cta_clicked")
        visits.wait(host, "cta_shown")
    assert errors == []
    assert len({row["anonymous_id"] for row in visits.rows(host, "anonymous_id")}) == 1


def test_a_blocked_collector(visits: Visits) -> None:
    """With the collector blocked by the network or by an extension a page has no error."""
    host = visits.host()
    url = visits.put(host, "/", CTA)
    visits.site.pages[host, "/next"] = "<p>next</p>"
    with visits.profile() as profile:
        profile.route("**/v1/**", lambda route: route.abort())
        profile.route("**/tag/watch.js", lambda route: route.abort())
        page = profile.new_page()
        errors = note_errors(page)
        page.goto(url)
        with page.expect_event("requestfailed"):
            page.evaluate("funnelhouse.track('Guide Opened', {guide_id: 'blocked'})")
        page.click("a")
        page.wait_for_url("**/next")
        assert queued(page) >= 2
        profile.unroute("**/v1/**")
        page.goto(url)
        visits.wait(host, "guide_opened")
    assert errors == []
