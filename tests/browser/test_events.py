"""Automatic events of the tag: each is a row of the warehouse, sent by a real browser."""

from tests.browser.conftest import Visits


def test_page_view(visits: Visits) -> None:
    """A page with the snippet becomes a page view with its address, title and ids."""
    host = visits.host()
    url = visits.put(host, "/kotlin", "<h1>Kotlin</h1>", prop_product="nbcamp")
    with visits.profile() as profile:
        page = profile.new_page()
        page.goto(url + "?utm_source=naver&utm_medium=cpc")
        (view,) = visits.wait(host, "page_viewed")
    assert view["page_path"] == "/kotlin"
