"""Columns derived of an event: known answers, and payloads of any kind."""

import json
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from funnelhouse.transforms.columns import (
    EventContext,
    EventFields,
    RequestFacts,
    read_call,
    read_surroundings,
)

GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/126.0.0.0 Safari/537.36"
)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["url", "title", "referrer", "version", "a"]), inner)
    ),
    max_leaves=8,
)
OBJECT = st.dictionaries(
    st.sampled_from(["page", "campaign", "library", "app", "sessionId", "userAgent", "locale"]),
    JSON,
)


def facts(item: dict[str, Any] | bytes, call: str = "track", **request: Any) -> SimpleNamespace:
    """Derive all columns of an item, with whatever the request said."""
    text = item if isinstance(item, bytes) else orjson.dumps(item)
    given: dict[str, Any] = {"server": False, "user_agent": "", "page": ""} | request
    own = read_call(text, call)
    shared = read_surroundings(EventContext(own.context, own.page, **given))
    return SimpleNamespace(**own._asdict() | shared._asdict())


@pytest.mark.parametrize(
    ("item", "column", "value"),
    [
        ({"userId": "kim"}, "user_id", "kim"),
        ({"userId": 7}, "user_id", "7"),
        ({"userId": None}, "user_id", ""),
        ({"anonymousId": "a-1"}, "anonymous_id", "a-1"),
        ({"context": {"sessionId": "s"}}, "session_id", "s"),
        ({"context": {"session_id": 5, "sessionId": "s"}}, "session_id", "5"),
        ({"context": {"locale": "ko-KR"}}, "locale", "ko-KR"),
        ({"context": {"timezone": "Asia/Seoul"}}, "client_timezone", "Asia/Seoul"),
        ({"context": {"library": {"name": "js", "version": "1"}}}, "library", "js 1"),
        ({"context": {"library": {"name": "js"}}}, "library", "js"),
        ({"context": {"library": "js"}}, "library", ""),
        ({"context": {"app": {"version": "2.1"}}}, "release", "2.1"),
        ({"context": {"page": {"title": "모집"}}}, "page_title", "모집"),
        ({"context": {"page": {"url": "https://a.kr/x?y=1"}}}, "page_host", "a.kr"),
        ({"context": {"page": {"url": "https://a.kr/x?y=1"}}}, "page_path", "/x"),
        ({"context": {"page": {"url": "https://a.kr/x?y=1"}}}, "page_query", "y=1"),
        ({"context": {"page": {"url": "https://a.kr/?utm_source=n"}}}, "utm_source", "n"),
        ({"context": {"campaign": {"source": "mail"}}}, "utm_source", "mail"),
        ({"context": {"page": {"referrer": "https://b.kr/"}}}, "referrer_host", "b.kr"),
        ({"context": {"userAgent": CHROME}}, "browser", "Chrome"),
        ({"context": {"userAgent": GOOGLEBOT}}, "is_bot", True),
        ({"context": None, "properties": None}, "properties", b"{}"),
        ({}, "properties", b"{}"),
        (b'{"properties": {"b": 1.0, "a":1e5}}', "properties", b'{"b": 1.0, "a":1e5}'),
        (b'{"properties":{},"properties":{"a":2}}', "properties", b'{"a":2}'),
        ({"properties": {"a": 1}, "traits": {"b": 2}}, "properties", b'{"a":1}'),
    ],
)
def test_a_column_is_read_from_its_place(
    item: dict[str, Any] | bytes, column: str, value: object
) -> None:
    """Each column stands at the place of the tracking API; absent is the empty text."""
    assert getattr(facts(item), column) == value


@pytest.mark.parametrize("call", ["identify", "group"])
def test_traits_are_the_properties_of_their_calls(call: str) -> None:
    """Identify and group calls carry traits where others carry properties."""
    item = {"properties": {"a": 1}, "traits": {"b": 2}}
    assert facts(item, call).properties == b'{"b":2}'


@pytest.mark.parametrize("call", ["page", "screen"])
def test_a_page_call_keeps_its_name_and_category(call: str) -> None:
    """They stand among the properties, which override them."""
    item = {"name": "Home", "category": "guide", "properties": {"a": 1, "name": "Own"}}
    found = orjson.loads(facts(item, call).properties)
    assert found == {"name": "Own", "category": "guide", "a": 1}


def test_a_page_call_without_name_keeps_its_text() -> None:
    """Properties to which nothing is added are the exact text sent."""
    item = b'{"name": null, "properties": {"a": 1.0, "b":2}}'
    assert facts(item, "page").properties == b'{"a": 1.0, "b":2}'


def test_the_request_fills_in_what_the_event_leaves_out() -> None:
    """User agent and page of the request count when the event's context has none."""
    found = facts({}, user_agent=CHROME, page="https://a.kr/landing")
    assert (found.browser, found.page_host) == ("Chrome", "a.kr")
    item = {"context": {"userAgent": GOOGLEBOT, "page": {"url": "https://b.kr/"}}}
    found = facts(item, user_agent=CHROME, page="https://a.kr/landing")
    assert (found.is_bot, found.page_host) == (True, "b.kr")


@pytest.mark.parametrize("context", [{}, {"context": {"locale": "ko"}}])
def test_a_page_call_tells_of_its_page_in_properties(context: dict[str, Any]) -> None:
    """URL, referrer and title among a page call's properties count when the context has no page."""
    properties = {"url": "https://b.kr/x", "referrer": "https://search.naver.com/", "title": "B"}
    found = facts({"properties": properties} | context, "page", page="https://a.kr/landing")
    assert (found.page_host, found.page_title, found.channel) == ("b.kr", "B", "organic_search")
    found = facts({"properties": properties} | context, "track", page="https://a.kr/landing")
    assert (found.page_host, found.page_title) == ("a.kr", "")


def test_the_context_s_page_comes_before_properties() -> None:
    """Where the context tells of a page, a page call's properties do not."""
    item = {"properties": {"url": "https://b.kr/"}, "context": {"page": {"url": "https://c.kr/"}}}
    assert facts(item, "page").page_host == "c.kr"


def test_a_servers_user_agent_is_nobodys_device() -> None:
    """What a server sends with its request says nothing of a person."""
    found = facts({}, server=True, user_agent=CHROME)
    assert (found.user_agent, found.browser) == ("", "")


@pytest.mark.parametrize("item", [{}, {"context": {"userAgent": GOOGLEBOT}}])
def test_a_server_is_never_a_bot(item: dict[str, Any]) -> None:
    """Whatever user agent a server passes on or has itself."""
    assert not facts(item, server=True, user_agent=GOOGLEBOT).is_bot


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "userId": JSON,
            "anonymousId": JSON,
            "name": JSON,
            "category": JSON,
            "context": st.none() | OBJECT,
            "properties": st.none() | OBJECT,
            "traits": st.none() | OBJECT,
        },
    ),
    st.sampled_from(["track", "page", "identify"]),
    st.booleans(),
)
def test_every_payload_has_columns(item: dict[str, Any], call: str, server: bool) -> None:  # noqa: FBT001
    """Whatever stands at a place, each column has its type, and properties are JSON."""
    text = json.dumps(item, ensure_ascii=False).encode()  # integers of any size
    found = facts(text, call, server=server, user_agent=CHROME, page="x")
    kinds = {"is_bot": bool, "properties": bytes, "context": bytes, "page": bytes}
    assert {name: type(value) for name, value in vars(found).items()} == {
        name: kinds.get(name, str) for name in (*EventFields._fields, *RequestFacts._fields)
    }
    assert isinstance(json.loads(found.properties), dict)
