"""Who is here, as the tag knows it: ids, sessions, consent, other domains, privacy."""

import time
from contextlib import nullcontext

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Visits, elsewhere, is_batch

LINKS = "{0},*.{0}"
MINUTE_MS = 60_000
GPC = "Object.defineProperty(navigator, 'globalPrivacyControl', {get: () => true})"
DNT = "Object.defineProperty(navigator, 'doNotTrack', {get: () => '1'})"


def ids(visits: Visits, host: str, times: int) -> list[tuple[str, str]]:
    """Anonymous and session ids of a host's page views."""
    views = visits.wait(host, "page_viewed", times)
    return [(view["anonymous_id"], view["session_id"]) for view in views]


def kept(page: Page) -> list[str]:
    """Name what a page keeps in cookies and storage."""
    names: list[str] = page.evaluate(
        "[...Object.keys(localStorage), ...document.cookie.split('; ').filter(Boolean)]"
    )
    return names


def test_ids_stay(visits: Visits) -> None:
    """Ids stay over reloads and tabs, with cookies gone, and with local storage gone."""
    host = visits.host()
    url = visits.put(host, "/", "<p>x</p>")
    with visits.profile() as profile:
        page = profile.new_page()
        page.goto(url)
        visits.wait(host, "page_viewed")
        page.reload()
        profile.clear_cookies()
        profile.new_page().goto(url)
        page.evaluate("localStorage.removeItem('fh')")
        page.reload()
        found = ids(visits, host, 4)
    assert len(set(found)) == 1


def test_a_session_ends_after_half_an_hour(visits: Visits) -> None:
    """Half an hour without anything ends a session; activity in another tab keeps it.

    Campaign and referrer of its entry go with every event of the session, and not with the next.
    """
    host = visits.host()
    url = visits.put(host, "/", "<a href='/b'>b</a>")
    visits.put(host, "/b", "<p>b</p>")
    with visits.profile() as profile:
        profile.clock.install()
        first, second = profile.new_page(), profile.new_page()
        first.goto(
            f"{url}?utm_source=naver&utm_medium=cpc", referer="https://search.naver.com/?q=1"
        )
        visits.wait(host, "page_viewed")
        profile.clock.fast_forward(29 * MINUTE_MS)
        second.goto(visits.site.url(host, "/b"))
        visits.wait(host, "page_viewed", 2)
        profile.clock.fast_forward(29 * MINUTE_MS)
        first.evaluate("funnelhouse.track('Guide Opened', {guide_id: 'g'})")
        profile.clock.fast_forward(2_000)
        visits.wait(host, "guide_opened")
        profile.clock.fast_forward(31 * MINUTE_MS)
        second.goto(visits.site.url(host, "/b"))
        profile.clock.fast_forward(2_000)
        # the page's clock was pushed on, so that its corrected times do not tell the order
        views = sorted(visits.wait(host, "page_viewed", 3), key=lambda view: view["arrival"])
        (guide,) = visits.named(host, "guide_opened")
    sessions = [view["session_id"] for view in views]
    assert sessions[0] == sessions[1] == guide["session_id"] != sessions[2]
    assert [view["utm_source"] for view in (*views[:2], guide, views[2])] == ["naver"] * 3 + [""]
    assert guide["payload"]["context"]["entry"]["referrer"].startswith("https://search.naver.com/")
    assert len({view["anonymous_id"] for view in views}) == 1


def test_leaving_a_page_keeps_the_session(visits: Visits) -> None:
    """Half an hour counts from the last that somebody did, and that was to leave a page."""
    host = visits.host()
    url = visits.put(host, "/", "<p>a</p>")
    with visits.profile() as profile:
        profile.clock.install()
        page = profile.new_page()
        page.goto(url)
        visits.wait(host, "page_viewed")
        profile.clock.fast_forward(29 * MINUTE_MS)
        elsewhere(page)
        profile.clock.fast_forward(2 * MINUTE_MS)
        page.goto(url)
        found = ids(visits, host, 2)
    assert len(set(found)) == 1


def test_sub_domains_share_a_cookie_where_the_page_names_the_domain(visits: Visits) -> None:
    """With data-domain two sub-domains are one visit."""
    host = visits.host()
    hosts = [f"www.{host}", f"apply.{host}"]
    with visits.profile() as profile:
        page = profile.new_page()
        for one in hosts:
            page.goto(visits.put(one, "/", "<p>x</p>", domain=host))
            visits.wait(one, "page_viewed")
    assert ids(visits, hosts[0], 1) == ids(visits, hosts[1], 1)


def test_identify_and_reset(visits: Visits) -> None:
    """A user is named on every later event until reset, which begins a new person and session."""
    host = visits.host()
    url = visits.put(host, "/", "<p>x</p>")
    with visits.profile() as profile:
        page = profile.new_page()
        page.goto(url)
        visits.wait(host, "page_viewed")
        page.evaluate("funnelhouse.identify('u-7', {email: 'kim@example.com', occupation: '학생'})")
        page.evaluate("funnelhouse.identify({card_holder: true})")
        page.evaluate("funnelhouse.group('kotlin-6', {kind: 'cohort'})")
        page.evaluate("funnelhouse.alias('u-8')")
        assert page.evaluate("funnelhouse.user().id()") == "u-7"
        page.reload()
        visits.wait(host, "page_viewed", 2)
        page.evaluate("funnelhouse.reset()")
        page.reload()
        first, second, third = visits.wait(host, "page_viewed", 3)
        identified = visits.wait(host, "identified", 2)
        (grouped,) = visits.wait(host, "grouped")
        (aliased,) = visits.wait(host, "aliased")
    assert [row["user_id"] for row in (first, second, third)] == ["", "u-7", ""]
    assert [row["user_id"] for row in identified] == ["u-7", "u-7"]
    assert "kim@example.com" not in str(identified)
    assert grouped["payload"]["groupId"] == "kotlin-6"
    assert second["payload"]["context"]["groupId"] == "kotlin-6"
    assert (aliased["user_id"], aliased["payload"]["previousId"]) == ("u-8", "u-7")
    assert first["anonymous_id"] == second["anonymous_id"] != third["anonymous_id"]
    assert first["session_id"] == second["session_id"] != third["session_id"]


@pytest.mark.parametrize(
    ("attributes", "script", "sent", "keeps"),
    [
        ({}, "", True, True),
        ({"consent": "anonymous"}, "", True, False),
        pytest.param({"consent": "denied"}, "", False, False, marks=pytest.mark.slow),
        ({}, GPC, True, False),
        pytest.param({"gpc": "granted"}, GPC, True, True, marks=pytest.mark.slow),
        ({"gpc": "denied"}, GPC, False, False),
        ({}, DNT, True, True),
        pytest.param({"dnt": "anonymous"}, DNT, True, False, marks=pytest.mark.slow),
    ],
)
def test_consent(
    visits: Visits, attributes: dict[str, str], script: str, *, sent: bool, keeps: bool
) -> None:
    """Mode and privacy signals decide whether anything is sent, and whether anything is kept."""
    host = visits.host()
    url = visits.put(host, "/", "<p>x</p>", **attributes)
    with visits.profile() as profile:
        requests: list[str] = []
        profile.on("request", lambda request: requests.append(request.url))
        if script:
            profile.add_init_script(script)
        page = profile.new_page()
        for _ in range(2):
            with page.expect_event("requestfinished", is_batch) if sent else nullcontext():
                page.goto(url)
                page.wait_for_function("!!window.funnelhouse?.track")
        assert bool(kept(page)) == keeps
        page.goto("about:blank")
        if sent:
            found = ids(visits, host, 2)
            assert (len(set(found)) == 1) == keeps
    assert any("batch" in url for url in requests) == sent


def test_consent_that_changes(visits: Visits) -> None:
    """Consent begins what was held back, and is remembered; taken back, all that was kept goes."""
    host = visits.host()
    url = visits.put(host, "/", "<p>x</p>", consent="denied")
    with visits.profile() as profile:
        page = profile.new_page()
        page.goto(url)
        page.wait_for_function("!!window.funnelhouse?.track")
        page.evaluate("funnelhouse.track('Guide Opened', {guide_id: 'never'})")
        page.evaluate("funnelhouse.consent('granted')")
        visits.wait(host, "page_viewed")
        page.reload()
        assert len(set(ids(visits, host, 2))) == 1
        page.evaluate("funnelhouse.consent('denied')")
        assert kept(page) == ["fhc"]
        page.evaluate("funnelhouse.track('Guide Opened', {guide_id: 'never'})")
        page.reload()
        page.wait_for_function("!!window.funnelhouse?.track")
        page.goto("about:blank")
    assert "guide_opened" not in visits.names(host)


def test_one_session_over_three_hosts(visits: Visits) -> None:
    """From the landing page by link to the guide, by form to the application: one session."""
    base = visits.host()
    hosts = [base, f"team.{base}", f"apply.{base}"]
    link = LINKS.format(base)
    landing, guide, apply = (visits.site.url(host, "/") for host in hosts)
    visits.put(base, "/", f"<a href='{guide}?a=1#top'>guide</a>", link=link)
    form = f"<form action='{apply}'><input name=track value=kotlin><button>go</button></form>"
    visits.put(hosts[1], "/", form, link=link)
    visits.put(hosts[2], "/", "<p>apply</p>", link=link)
    with visits.profile() as profile:
        page = profile.new_page()
        page.goto(f"{landing}?utm_source=youtube")
        page.wait_for_function("!!window.fhTag?.isFriend")
        page.click("a")
        page.wait_for_url(f"{guide}?a=1#top")
        page.wait_for_function("!!window.fhTag?.isFriend")
        page.click("button")
        page.wait_for_url(f"{apply}?track=kotlin")
        found = [ids(visits, host, 1)[0] for host in hosts]
        assert len(set(found)) == 1
        visits.product.wait_visible(
            lambda: (
                visits.product.sql(f"SELECT pages FROM sessions WHERE session_id = '{found[0][1]}'")
                == [{"pages": 3}]
            )
        )
    assert visits.named(hosts[1], "outbound_link_clicked") == []


def test_ways_to_another_domain(visits: Visits) -> None:
    """POST forms, window.open, new tabs and the middle button carry the visit too."""
    base = visits.host()
    other = f"apply.{base}"
    target = visits.put(other, "/", "<p>apply</p>", link=base)
    body = (
        f"<a id=tab target=_blank href='{target}'>tab</a>"
        f"<form method=post action='{target}'><button>go</button></form>"
    )
    url = visits.put(base, "/", body, link=LINKS.format(base))
    with visits.profile() as profile:
        page = profile.new_page()
        page.goto(url)
        page.wait_for_function("!!window.fhTag?.isFriend")
        page.click("#tab")
        page.click("#tab", button="middle")
        page.evaluate(f"window.open('{target}')")
        visits.wait(other, "page_viewed", 3)
        page.click("button")
        found = ids(visits, other, 4) + ids(visits, base, 1)
    assert len(set(found)) == 1


def test_a_link_that_was_passed_on(visits: Visits) -> None:
    """An old link, one from another browser and one that was tampered with are ignored."""
    base = visits.host()
    other = f"apply.{base}"
    target = visits.put(other, "/", "<p>apply</p>", link=base)
    url = visits.put(base, "/", f"<a href='{target}'>x</a>", link=LINKS.format(base))
    with visits.profile() as profile:
        page = profile.new_page()
        page.goto(url)
        page.wait_for_function("!!window.fhTag?.isFriend")
        page.click("a", button="right")
        pasted = page.get_attribute("a", "href") or ""
        visits.wait(base, "page_viewed")
    assert "fh_link=" in pasted
    later = int(time.time() * 1000) + 5 * MINUTE_MS
    for options, address, at in (
        ({}, pasted, later),
        ({"user_agent": "Another/1.0"}, pasted, None),
        ({}, pasted[:-1] + ("1" if pasted[-1] != "1" else "2"), None),
        ({}, pasted.replace("fh_link=", "fh_link=x"), None),
    ):
        with visits.profile(**options) as profile:
            if at:
                profile.add_init_script(f"Date.now = () => {at}")
            page = profile.new_page()
            with page.expect_event("requestfinished", is_batch):
                page.goto(address)
                page.wait_for_url(target)
    found = ids(visits, other, 4) + ids(visits, base, 1)
    assert len(set(found)) == 5


PRIVATE = {
    "email": "kim%40example.com",
    "to": "kim.su+x@mail.example.co.kr",
    "mail2": "kim%2540example.com",
    "phone": "010-1234-5678",
    "tel": "01012345678",
    "call": "%2B82%2010-1234-5678",
    "contact": "(02)%20555-0132",
    "access_token": "hush-1",
    "reset_password": "hush-2",
    "code": "4/0AX4XfWh-long-enough-code",
    "t": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.x",
    "h": "fedcba9876543210fedcba9876543210",
}
PLAIN = {
    "utm_campaign": "2024-08-open-house",
    "gclid": "Cj0KCQjw0123456789abcdef0123456789abcdef",
    "fbclid": "IwAR0123456789abcdef0123456789abcdef0123",
    "msclkid": "0123456789abcdef0123456789abcdef",
    "id": "1722211200000",
    "date": "2024-07-29",
    "keyword": "%EC%BD%94%ED%8B%80%EB%A6%B0",
    "code": "WELCOME",
    "author": "kim",
    "design": "b",
    "price": "1500000",
}


def test_what_must_not_leave_the_page(visits: Visits) -> None:
    """Query parameters that look like addresses, phones or tokens are cut, all else stays."""
    host = visits.host()
    url = visits.put(host, "/", "<p>x</p>")
    hushed = "&".join(f"{name}={value}" for name, value in PRIVATE.items())
    plain = "&".join(f"{name}={value}" for name, value in PLAIN.items())
    with visits.profile() as profile:
        page = profile.new_page()
        page.goto(f"{url}?{hushed}#access_token=hush-3", referer=f"https://x.example/?{hushed}")
        page.goto(f"{url}?{plain}")
        viewed = visits.wait(host, "page_viewed", 2)
    # The first is received as it is left, maybe after the second; ids may hold any digits.
    first, second = sorted(viewed, key=lambda row: str(row["page_query"]))
    everything = str(first["payload"]) + str(second["payload"])
    assert [value for value in PRIVATE.values() if value in everything] == []
    context = first["payload"]["context"]
    told = str([first["properties"], context["page"], context["entry"]])
    assert not any(part in told for part in ("kim", "hush", "1234"))
    assert "=" not in first["page_url"]
    assert second["page_query"] == plain
