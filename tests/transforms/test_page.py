from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from funnelhouse.transforms.page import Page, registrable_domain, split_page

unhurried = settings(deadline=None)  # a busy machine is no fault


@pytest.mark.parametrize(
    ("sent", "host", "path", "query", "fragment"),
    [
        (
            "https://Hanghae99.example.kr/plus?a=1&b=2#top",
            "hanghae99.example.kr",
            "/plus",
            "a=1&b=2",
            "top",
        ),
        ("https://a.kr", "a.kr", "/", "", ""),
        ("https://a.kr?x=1", "a.kr", "/", "x=1", ""),
        ("https://a.kr:8443/p", "a.kr", "/p", "", ""),
        ("https://a.kr./p", "a.kr", "/p", "", ""),
        ("//a.kr/p", "a.kr", "/p", "", ""),
        ("http://[2001:DB8::1]:80/p", "2001:db8::1", "/p", "", ""),
        ("https://한글.kr/가/나?다=라#마", "한글.kr", "/가/나", "다=라", "마"),
        ("https://XN--BJ0BJ06E.kr/", "xn--bj0bj06e.kr", "/", "", ""),
        ("https://a.kr/p?to=https://b.kr/?q#f", "a.kr", "/p", "to=https://b.kr/?q", "f"),
        ("https://a.kr/p#f?no=query", "a.kr", "/p", "", "f?no=query"),
        ("https://a.kr/p#one\ntwo", "a.kr", "/p", "", "one\ntwo"),
        ("android-app://com.kakao.talk/", "com.kakao.talk", "/", "", ""),
        ("/plus?a=1#b", "", "/plus", "a=1", "b"),
        ("plus", "", "plus", "", ""),
        ("?a=1", "", "", "a=1", ""),
        ("about:blank", "", "blank", "", ""),
        ("file:///home/page.html", "", "/home/page.html", "", ""),
        ("", "", "", "", ""),
    ],
)
def test_parts(sent: str, host: str, path: str, query: str, fragment: str) -> None:
    """A URL is split as RFC 3986 says, relative and odd ones too."""
    assert split_page(sent) == Page(sent, host, path, query, fragment)


def test_user_is_cut() -> None:
    """User and password stand neither in the host nor in the URL that is kept."""
    page = split_page("https://user:p%40ss@a.kr:8443/p?mail=x@y.kr")
    assert page == Page("https://a.kr:8443/p?mail=x@y.kr", "a.kr", "/p", "mail=x@y.kr", "")


@unhurried
@given(
    st.from_regex(r"[a-z0-9-]{1,10}(\.[a-z0-9-]{1,10}){0,3}", fullmatch=True),
    st.from_regex(r"(/[A-Za-z0-9._~%!$&'()*+,;=:@-]{0,8}){1,3}", fullmatch=True),
    st.from_regex(r"[A-Za-z0-9._~%=&/?-]{0,20}", fullmatch=True),
    st.from_regex(r"[A-Za-z0-9._~%=&/?-]{0,20}", fullmatch=True),
)
def test_agrees_with_urllib(host: str, path: str, query: str, fragment: str) -> None:
    """Well-formed URLs are split as Python's own library splits them."""
    url = f"https://{host}{path}?{query}#{fragment}"
    theirs = urlsplit(url)
    assert split_page(url)[1:] == (theirs.hostname, theirs.path, theirs.query, theirs.fragment)


@pytest.mark.parametrize(
    ("host", "site"),
    [
        ("www.example.co.kr", "example.co.kr"),
        ("plus.spartacodingclub.kr", "spartacodingclub.kr"),
        ("WWW.Example.COM", "example.com"),
        ("m.blog.naver.com", "naver.com"),
        ("team.github.io", "team.github.io"),
        ("team.notion.site", "team.notion.site"),
        ("co.kr", "co.kr"),
        ("localhost", "localhost"),
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8::1", "2001:db8::1"),
        ("..", ".."),
        ("", ""),
        ("a" * 254, ""),
    ],
)
def test_site(host: str, site: str) -> None:
    """A site is one label below its public suffix; what has none stands for itself."""
    assert registrable_domain(host) == site


@pytest.mark.parametrize("shared", ["oopy.io", "tistory.com", "imweb.me", "github.io"])
def test_customers_of_shared_hosts(shared: str) -> None:
    """Two customers of a shared host are two sites, and each is one with its own subdomains."""
    assert registrable_domain(f"team.{shared}") != registrable_domain(f"other.{shared}")
    assert registrable_domain(f"www.team.{shared}") == f"team.{shared}"
