"""Automatic events of the tag: each is a row of the warehouse, sent by a real browser."""

from collections import Counter

from playwright.sync_api import Route

from tests.browser.conftest import Visits, elsewhere, next_frame, next_turn

PHONE = (
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/126.0.0.0 Mobile Safari/537.36"
)
TALL = "<div style='height:4000px'>tall</div>"
LONG_MS = 1_300
"""Longer than a section must stay in view, a batch waits, or a pixel is beside a click."""


def test_page_view(visits: Visits) -> None:
    """A page becomes a page view with its address, title, campaign, ids and own words."""
    host = visits.host()
    url = visits.put(host, "/kotlin", "<h1>Kotlin</h1>", prop_product="nbcamp")
    seoul = "Asia/Seoul"
    with visits.profile(user_agent=PHONE, locale="ko-KR", timezone_id=seoul) as profile:
        profile.new_page().goto(f"{url}?utm_source=naver&utm_medium=cpc&utm_campaign=%EA%B0%80")
        (view,) = visits.wait(host, "page_viewed")
    columns = ("page_path", "page_title", "channel", "utm_campaign", "device_class", "locale")
    assert [view[name] for name in columns] == [
        "/kotlin",
        "Title of /kotlin",
        "paid_search",
        "가",
        "mobile",
        "ko-KR",
    ]
    assert view["properties"]["product"] == "nbcamp"
    assert view["library"] == "funnelhouse.js 1.0.0"
    assert view["client_timezone"] == seoul
    assert len(view["anonymous_id"]) == len(view["session_id"]) == 32
    assert not view["is_bot"]


def test_the_timezone_of_an_older_browser(visits: Visits) -> None:
    """A browser without Temporal tells its timezone too."""
    host = visits.host()
    url = visits.put(host, "/", "<p>x</p>")
    with visits.profile(timezone_id="Asia/Seoul") as profile:
        profile.add_init_script("delete window.Temporal")
        page = profile.new_page()
        page.goto(url)
        page.wait_for_function("!!window.fhTag?.context?.timezone")
        (view,) = visits.wait(host, "page_viewed")
    assert view["client_timezone"] == "Asia/Seoul"


def test_views_of_a_single_page_application(visits: Visits) -> None:
    """History navigation is a view with the page before as referrer; a mended query is none."""
    host = visits.host()
    url = visits.put(host, "/a", "<p>app</p>")
    with visits.profile() as profile:
        page = profile.new_page()
        page.goto(url)
        visits.wait(host, "page_viewed")
        page.evaluate("history.replaceState(0, '', '/a?filter=1')")
        page.evaluate("history.pushState(0, '', '/b?x=1'); document.title = 'B'")
        next_turn(page)
        page.evaluate("history.replaceState(0, '', '/c')")
        next_turn(page)
        page.evaluate("location.hash = 'anchor'")
        page.evaluate("location.hash = '#/route'")
        next_turn(page)
        for _ in range(3):
            page.go_back()
            next_turn(page)
        elsewhere(page)
        views = visits.wait(host, "page_viewed", 6)
    seen = [
        (view["page_url"].split(":", 2)[2].split("/", 1)[1], view["page_title"]) for view in views
    ]
    assert seen[0] == ("a", "Title of /a")
    assert [address for address, _ in seen[1:]] == [
        "b?x=1",
        "c",
        "c#/route",
        "c#anchor",
        "a?filter=1",
    ]
    assert seen[1][1] == "B"
    assert [view["referrer_url"].rpartition("/")[2] for view in views[:3]] == [
        "",
        "a?filter=1",
        "b?x=1",
    ]
    left = visits.named(host, "page_left")
    assert [row["properties"]["trigger"] for row in left] == ["navigation"] * 5 + ["pagehide"]


def test_back_to_a_page_that_the_browser_kept(visits: Visits) -> None:
    """A page that comes back whole from the browser's cache is viewed again."""
    host = visits.host()
    url = visits.put(host, "/", "<p>kept</p>")
    other = visits.site.url(visits.host(), "/other")
    visits.site.pages[other.split(":")[1][2:], "/other"] = "<p>other</p>"
    with visits.profile() as profile:
        page = profile.new_page()
        page.goto(url)
        page.evaluate("window.kept = 1")
        visits.wait(host, "page_viewed")
        page.goto(other)
        page.go_back(wait_until="commit")
        came_back_whole = page.evaluate("window.kept") == 1
        views = visits.wait(host, "page_viewed", 2)
    assert len(views) == 2
    assert came_back_whole


def test_calls_to_action(visits: Visits) -> None:
    """A call to action is shown once a view and branch, and clicked with the branch shown then."""
    host = visits.host()
    body = (
        "<a data-cta='apply' data-cta-position='hero' data-cta-branch='new'"
        " data-cta-card-holder='true' href='#form'>지금\n <b>지원하기</b></a>"
        f"{TALL}<button data-cta='ask' data-cta-position='footer'>Ask</button>"
    )
    url = visits.put(host, "/", body)
    with visits.profile() as profile:
        page = profile.new_page()
        page.goto(url)
        shown = visits.wait(host, "cta_shown")
        page.click("b")
        page.evaluate("document.querySelector('a').dataset.ctaBranch = 'applied'")
        visits.wait(host, "cta_shown", 2)
        page.click("a", button="middle")
        page.evaluate("scrollTo(0, 9999)")
        visits.wait(host, "cta_shown", 3)
        page.click("button")
        elsewhere(page)
        clicked = visits.wait(host, "cta_clicked", 3)
        shown = visits.named(host, "cta_shown")
    seen = Counter((row["properties"]["cta_id"], row["properties"].get("branch")) for row in shown)
    # The middle button opened a second tab, where the first of them was shown once more.
    assert seen == {("apply", "new"): 2, ("apply", "applied"): 1, ("ask", None): 1}
    first = clicked[0]["properties"]
    assert first["target_url"] == url + "#form"
    del first["target_url"]
    assert first == {
        "cta_id": "apply",
        "label": "지금 지원하기",
        "position": "hero",
        "branch": "new",
        "card_holder": True,
    }
    assert [row["properties"].get("branch") for row in clicked] == ["new", "applied", None]


def test_sections_and_scroll_depth(visits: Visits) -> None:
    """Sections count once half in view for a second, depths once each, both anew on a new view."""
    host = visits.host()
    section = "<section data-section='{0}' data-section-name='{0}' style='height:{1}px'>x</section>"
    body = section.format("top", 300) + TALL + section.format("long", 3000) + TALL
    url = visits.put(host, "/", body)
    with visits.profile(viewport={"width": 800, "height": 600}) as profile:
        page = profile.new_page()
        page.goto(url)
        (top,) = visits.wait(host, "section_viewed")
        page.mouse.wheel(0, 4200)
        page.wait_for_function("scrollY >= 4200")
        next_frame(page)
        page.mouse.wheel(0, 1500)
        long = visits.wait(host, "section_viewed", 2)[1]
        page.evaluate("scrollTo(0, 0)")
        page.evaluate("scrollTo(0, 1e6)")
        visits.wait(host, "scroll_depth_reached", 6)
        page.evaluate("scrollTo(0, 0)")
        page.evaluate("history.pushState(0, '', '/again')")
        again = visits.wait(host, "section_viewed", 3)[2]
        elsewhere(page)
        (_, left) = visits.wait(host, "page_left", 2)
        depths = visits.named(host, "scroll_depth_reached")
    assert top["properties"]["section_id"] == again["properties"]["section_id"] == "top"
    assert top["properties"]["section_name"] == "top"
    assert top["properties"]["section_index"] == 0
    assert top["properties"]["visible_ms"] >= 1000
    assert long["properties"]["section_id"] == "long"
    assert [row["properties"]["depth"] for row in depths[:6]] == [25, 50, 75, 80, 90, 100]
    assert len(depths) <= 7
    assert depths[0]["properties"]["viewport_height"] == 600
    assert left["properties"]["max_scroll"] <= 25


def test_an_inner_part_that_scrolls(visits: Visits) -> None:
    """Where not the page scrolls but a large part of it, the depth is that part's."""
    host = visits.host()
    style = "<style>html,body{height:100%;margin:0}main{height:100%;overflow:auto}</style>"
    url = visits.put(host, "/", f"<main>{TALL}</main>", style)
    with visits.profile() as profile:
        page = profile.new_page()
        page.goto(url)
        page.wait_for_function("!!window.fhTag?.eyes")
        page.evaluate("document.querySelector('main').scrollTo(0, 9999)")
        rows = visits.wait(host, "scroll_depth_reached", 6)
    assert {row["properties"]["depth"] for row in rows} == {25, 50, 75, 80, 90, 100}


def test_scrolled_before_the_tag_came(visits: Visits) -> None:
    """A page that is scrolled down already when the tag sees it tells its depth all the same."""
    host = visits.host()
    url = visits.put(host, "/", TALL)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    with visits.profile() as profile:
        page = profile.new_page()
        page.route("**/tag/watch.js*", hold)
        with page.expect_request("**/tag/watch.js*"):
            page.goto(url, wait_until="domcontentloaded")
        page.evaluate("scrollTo(0, 9999)")
        next_frame(page)
        held.pop().continue_()
        rows = visits.wait(host, "scroll_depth_reached", 6)
    assert rows[-1]["properties"]["depth"] == 100


def test_outbound_links(visits: Visits) -> None:
    """A click on a link to another site tells where it leads; one within the site tells nothing."""
    host = visits.host()
    body = (
        "<a id=out href='https://www.hrd.go.kr/card?email=a%40b.kr&q=1' target=_blank>HRD-NET</a>"
        "<a id=in href='#x'>in</a><a id=mail href='mailto:a@b.kr'>mail</a>"
    )
    url = visits.put(host, "/", body)
    with visits.profile() as profile:
        profile.route("https://www.hrd.go.kr/**", lambda route: route.abort())
        page = profile.new_page()
        page.goto(url)
        visits.wait(host, "page_viewed")
        page.click("#in")
        page.evaluate(
            "document.querySelector('#mail').addEventListener('click', e => e.preventDefault())"
        )
        page.click("#mail")
        page.click("#out")
        (row,) = visits.wait(host, "outbound_link_clicked")
    assert row["properties"] == {
        "target_url": "https://www.hrd.go.kr/card?&q=1",
        "target_host": "www.hrd.go.kr",
        "label": "HRD-NET",
        "new_tab": True,
    }


def test_forms(visits: Visits) -> None:
    """A form is started, submitted or abandoned with names of fields, and no value is ever sent."""
    host = visits.host()
    fields = (
        "<input name=phone required><select name=track required><option value=''>-"
        "<option value=kotlin>k</select><input type=checkbox name=agree required>"
        "<input type=hidden name=csrf value=hush-hush>"
    )
    form = "<form id='{}' onsubmit='event.preventDefault()'>{}<button>send</button></form>"
    body = form.format("first-application", fields) + form.format("second", fields)
    url = visits.put(host, "/apply", body)
    with visits.profile() as profile:
        page = profile.new_page()
        page.goto(url)
        visits.wait(host, "page_viewed")
        page.fill("#first-application [name=phone]", "010-1111-2222")
        page.click("#first-application button")
        page.select_option("#first-application select", "kotlin")
        page.check("#first-application [name=agree]")
        page.click("#first-application button")
        page.fill("#second [name=phone]", "010-3333-4444")
        elsewhere(page)
        (abandoned,) = visits.wait(host, "form_abandoned")
        (submitted,) = visits.wait(host, "form_submitted")
        started = visits.wait(host, "form_started", 2)
    assert [row["properties"]["form_id"] for row in started] == ["first-application", "second"]
    assert started[0]["properties"]["first_field"] == "phone"
    assert started[0]["properties"]["field_count"] == 3
    sent = submitted["properties"]
    assert sent["filled_fields"] == ["phone", "track", "agree"]
    assert sorted(sent["invalid_fields"]) == ["agree", "track"]
    assert sent["attempts"] == 2
    assert abandoned["properties"]["form_id"] == "second"
    assert abandoned["properties"]["last_field"] == "phone"
    assert abandoned["properties"]["completion"] == 0.33
    # Not among ids, which may hold any digits.
    told = str(
        [(row["properties"], row["payload"]["context"]["page"]) for row in visits.rows(host)]
    )
    assert not any(value in told for value in ("1111", "3333", "kotlin", "hush"))


def test_engaged_time_adds_up(visits: Visits) -> None:
    """Engaged time comes in parts, those of a view add up to what its end tells."""
    host = visits.host()
    url = visits.put(host, "/", TALL)
    with visits.profile() as profile:
        page = profile.new_page()
        page.clock.install()
        page.goto(url)
        visits.wait(host, "page_viewed")
        for _ in range(8):
            page.clock.fast_forward(5_000)
            page.mouse.move(1, 1)
            page.mouse.move(2, 2)
        page.clock.fast_forward(600_000)  # nobody sits still for so long
        page.mouse.move(3, 3)
        elsewhere(page)
        (left,) = visits.wait(host, "page_left")
        parts = visits.named(host, "engaged_time")
    total = sum(row["properties"]["engaged_ms"] for row in parts)
    assert total == left["properties"]["engaged_ms"]
    assert 70_000 <= total < 80_000
    assert len(parts) >= 2


def test_errors_become_log_events(visits: Visits) -> None:
    """Errors of the page and its promises are log events without addresses of people."""
    host = visits.host()
    url = visits.put(host, "/", "<p>x</p>")
    with visits.profile() as profile:
        page = profile.new_page()
        page.goto(url)
        visits.wait(host, "page_viewed")
        page.evaluate("setTimeout(() => { throw Error('lost kim@example.com') })")
        page.evaluate("Promise.reject(Error('refused')); 0")
        page.evaluate("for (let i = 0; i < 50; i++) setTimeout(() => { throw Error('again') })")
        rows = visits.wait(host, "log_recorded", 5)
        elsewhere(page)
        visits.wait(host, "page_left")
        rows = visits.named(host, "log_recorded")
    messages = [row["properties"]["message"] for row in rows]
    assert sorted(messages)[:1] == ["Uncaught Error: again"]
    assert {"Uncaught Error: lost …", "refused"} <= set(messages)
    assert len(messages) == 5
    assert {row["properties"]["service"] for row in rows} == {host}


def test_errors_are_sampled(visits: Visits) -> None:
    """Of pages that say nothing a tenth sends its errors, of others the share that they say."""
    host = visits.host()
    draw = "<script>Math.random = () => +location.search.slice(1)</script>"
    visits.put(host, "/default", "", draw)
    page_of = visits.site.pages[host, "/default"]
    visits.site.pages[host, "/default"] = page_of.replace("data-sample='1'", "")
    visits.put(host, "/most", "", draw, sample="0.6")
    visits.put(host, "/none", "", draw, sample="0")
    drawn = [("/default", 0.09), ("/default", 0.11), ("/most", 0.59), ("/most", 0.61), ("/none", 0)]
    with visits.profile() as profile:
        page = profile.new_page()
        for path, share in drawn:
            page.goto(f"{visits.site.url(host, path)}?{share}")
            page.wait_for_function("!!window.fhTag?.eyes")
            page.evaluate(f"setTimeout(() => {{ throw Error('{share}') }})")
            next_turn(page)
        elsewhere(page)
        visits.wait(host, "page_left", len(drawn))
    messages = [row["properties"]["message"] for row in visits.named(host, "log_recorded")]
    assert messages == ["Uncaught Error: 0.09", "Uncaught Error: 0.59"]


def test_pixels_beside_a_conversion(visits: Visits) -> None:
    """A conversion tells whether the advertisers' pixels were there, and were called beside it."""
    host = visits.host()
    head = (
        "<script>window.called = []; function gtag() { window.called.push(arguments) }"
        "window.fbq = function (...given) { return fbq.callMethod(...given) };"
        "fbq.version = '2.0'; fbq.callMethod = (...given) => window.called.push(given);</script>"
    )
    body = (
        "<button data-cta=both onclick=\"fbq('track', 'Lead'); gtag('event', 'lead')\">a</button>"
        "<button data-cta=one onclick=\"gtag('event', 'lead')\">b</button>"
        "<button data-cta=none>c</button>"
    )
    url = visits.put(host, "/", body, head)
    bare = visits.put(host, "/bare", body.replace("onclick", "data-onclick"))
    with visits.profile() as profile:
        page = profile.new_page()
        page.clock.install()
        for address in (url, bare):
            page.goto(address)
            page.wait_for_function("!!window.fhTag?.eyes")
            for name in ("both", "one", "none"):
                page.click(f"[data-cta={name}]")
                page.clock.fast_forward(LONG_MS)
            if address == url:
                assert page.evaluate("[called.length, fbq.version, called[0][1]]") == [
                    3,
                    "2.0",
                    "Lead",
                ]
        page.evaluate("funnelhouse.track('Guide Opened', {guide_id: 'g'})")
        (opened,) = visits.wait(host, "guide_opened")
        rows = visits.wait(host, "cta_clicked", 6)
    # the page's clock was pushed on, so that its corrected times do not tell the order
    told = {
        (row["page_path"], row["properties"].get("cta_id")): tuple(
            row["payload"]["context"]["pixels"].values()
        )
        for row in [*rows, opened]
    }
    assert told == {
        ("/", "both"): ("called", "called"),
        ("/", "one"): ("silent", "called"),
        ("/", "none"): ("silent", "silent"),
    } | {("/bare", name): ("absent", "absent") for name in ("both", "one", "none", None)}


def test_integrity(visits: Visits) -> None:
    """A page may pin the tag's version with its hash; another hash stops it, and nothing else."""
    told = visits.product.client.get("/tag.json").json()
    host = visits.host()
    for path, hash_of in (("/good", told["integrity"]), ("/bad", told["integrity"][:-4] + "AAA=")):
        visits.site.pages[host, path] = (
            f"<title>x</title><script async crossorigin src='{visits.product.url}{told['src']}'"
            f" integrity='{hash_of}' data-key=dev></script><p>x</p>"
        )
    with visits.profile() as profile:
        page = profile.new_page()
        page.goto(visits.site.url(host, "/bad"))
        page.goto(visits.site.url(host, "/good"))
        (view,) = visits.wait(host, "page_viewed")
    assert view["page_path"] == "/good"


def test_everything_can_be_switched_off(visits: Visits) -> None:
    """Each automatic event is left out where the data attribute names it."""
    host = visits.host()
    off = "page,cta,section,scroll,links,forms,engaged,left,errors"
    body = (
        f"<a data-cta=a href='https://x.example/'>x</a><div data-section=s>s</div>{TALL}"
        "<form onsubmit='return false'><input name=n><button>b</button></form>"
    )
    url = visits.put(host, "/", body, off=off)
    with visits.profile() as profile:
        page = profile.new_page()
        page.clock.install()
        page.goto(url)
        page.wait_for_function("window.fhTag && fhTag.eyes")
        page.evaluate("scrollTo(0, 9999)")
        page.fill("input", "1")
        page.click("button")
        page.evaluate("setTimeout(() => { throw Error('x') })")
        page.evaluate(
            "document.querySelector('a').addEventListener('click', e => e.preventDefault())"
        )
        page.click("a")
        next_frame(page)
        page.clock.fast_forward(LONG_MS)
        page.evaluate("funnelhouse.track('Guide Opened', {guide_id: 'g'})")
        elsewhere(page)
        visits.wait(host, "guide_opened")
    assert visits.names(host) == ["guide_opened"]


def test_nothing_the_tag_sends_breaks_the_plan(visits: Visits) -> None:
    """Every event that the tests of this module made was accepted."""
    refused = visits.product.sql(
        "SELECT sent_name, path, detail FROM rejected_events"
        " WHERE payload LIKE '%funnelhouse.js%' AND sent_name NOT IN ('', 'Guide Opened')"
        " AND payload NOT LIKE '%nowhere%'"
    )
    assert refused == []
