"""From the sockets to the view `events`: what is derived of an event, and what comes back exact."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.conftest import RunningProduct

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/126.0.0.0 Safari/537.36"
)
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15"
    " (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"
)
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
EXACT = '{"cta_id":"apply","a":1.0,"b":1e5,"big":18446744073709551616,"z":null,"y":"\\u0041"}'


def _click(**fields: Any) -> dict[str, Any]:
    click = {"type": "track", "event": "CTA Clicked", "userId": "u-1"}
    return click | {"properties": {"cta_id": "apply"}} | fields


def _page(url: str, referrer: str = "", **context: Any) -> dict[str, Any]:
    page = {"url": url, "referrer": referrer, "title": "지원"}
    call: dict[str, Any] = {"type": "page", "anonymousId": "a-1", "name": "Home"}
    return call | {"context": {"page": page} | context}


def _batch(items: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "writeKey": "dev",
        "context": {"library": {"name": "line", "version": "1"}},
        "batch": items,
    }


UUID_ID = "6f1c9d0e-6a55-4b5e-9d0a-0c8f2f7f3a11"
WEB = {
    UUID_ID: _click(),
    "plain": _click(),
    "page": _page(
        "https://nbcamp.example/kotlin?utm_source=naver&utm_medium=cpc&utm_campaign=6&n_keyword=k",
        "https://search.naver.com/search?q=1",
    ),
    "kakao": _page("https://nbcamp.example/", "https://pf.kakao.com/x"),
    "direct": _page("https://nbcamp.example/"),
    "internal": _page("https://nbcamp.example/b", "https://nbcamp.example/a"),
    "campaign": _page("https://nbcamp.example/", campaign={"source": "crm", "medium": "email"}),
    "chrome": _click(context={"userAgent": CHROME}),
    "iphone": _click(context={"userAgent": IPHONE}),
    "googlebot": _click(context={"userAgent": GOOGLEBOT}),
    "identify": {"type": "identify", "userId": "u-2", "traits": {"email": "kim@example.com"}},
    "both": _click(anonymousId="a-9", context={"sessionId": 17, "locale": "ko-KR"}),
    "number": _click(userId=42),
    "late": _click(timestamp="2024-08-01T01:00:00Z", sentAt="2024-08-01T01:00:40Z"),
    "unknown": _click(event="Bought A Pony"),
}


@pytest.fixture(scope="module")
def seen(product: RunningProduct) -> dict[str, dict[str, Any]]:
    """Send a batch from a browser, one from a server and an exact text; give rows by message id."""
    items = [call | {"messageId": id_} for id_, call in WEB.items()]
    bot = {"user-agent": GOOGLEBOT}
    exact = '{"writeKey":"dev","messageId":"exact","event":"cta_clicked","userId":"u",'
    exact += f'"properties":{EXACT}}}'
    product.post("/v1/batch", _batch(items), headers={"user-agent": CHROME})
    product.post("/v1/t?writeKey=app", _click(messageId="server"), headers=bot)
    product.post("/v1/t?writeKey=dev", _click(messageId="crawler"), headers=bot)
    product.post("/v1/t", exact.encode())
    rows: dict[str, dict[str, Any]] = {}

    def all_there() -> bool:
        found = product.sql("SELECT *, JSONExtractString(payload, 'messageId') AS id FROM events")
        rows.update({row["id"]: row for row in found if row["id"]})
        return {*WEB, "server", "crawler", "exact"} - {"unknown"} <= rows.keys()

    product.wait_visible(all_there)
    return rows


Seen = dict[str, dict[str, Any]]


@pytest.mark.parametrize(
    ("id_", "columns"),
    [
        (
            "page",
            {
                "event_name": "page_viewed",
                "page_host": "nbcamp.example",
                "page_path": "/kotlin",
                "page_title": "지원",
                "referrer_host": "search.naver.com",
                "utm_source": "naver",
                "utm_medium": "cpc",
                "utm_campaign": "6",
                "channel": "paid_search",
            },
        ),
        ("kakao", {"channel": "messenger"}),
        ("direct", {"channel": "direct", "referrer_host": ""}),
        ("internal", {"channel": "internal"}),
        ("campaign", {"channel": "email", "utm_source": "crm"}),
        ("chrome", {"browser": "Chrome", "os": "Windows", "device_class": "desktop"}),
        ("iphone", {"os": "iOS", "device_class": "mobile", "browser": "Mobile Safari"}),
        ("chrome", {"is_bot": False}),
        ("googlebot", {"is_bot": True}),
        ("crawler", {"is_bot": True, "source": "web"}),
        ("server", {"is_bot": False, "source": "backend", "server": True}),
        ("plain", {"user_id": "u-1", "sent_name": "CTA Clicked"}),
        ("plain", {"event_name": "cta_clicked", "schema_version": "1-0-0", "ip": "127.0.0.0"}),
        (
            "both",
            {"anonymous_id": "a-9", "session_id": "17", "locale": "ko-KR"},
        ),
        ("number", {"user_id": "42"}),
        (UUID_ID, {"event_id": UUID_ID}),
    ],
)
def test_columns(seen: Seen, id_: str, columns: dict[str, Any]) -> None:
    """What is derived of an event stands in the view under its column."""
    assert {name: seen[id_][name] for name in columns} == columns


def test_id_of_a_plain_message_id(seen: Seen) -> None:
    """A messageId that is no UUID becomes one of version 8."""
    assert UUID(seen["plain"]["event_id"]).version == 8


def test_page_name_stays(seen: Seen) -> None:
    """A page call's name stays among its properties."""
    assert json.loads(seen["direct"]["properties"]) == {"name": "Home"}


def test_time_is_corrected(seen: Seen) -> None:
    """An event that lay forty seconds in its sender's queue happened so long before its receipt."""
    row = seen["late"]
    event, received = (
        datetime.fromisoformat(row[name]).replace(tzinfo=UTC)
        for name in ("event_time", "received_at")
    )
    assert received - event == timedelta(seconds=40)


def test_personal_fields_never_arrive(product: RunningProduct, seen: Seen) -> None:
    """A personal field stands in the warehouse as its hash alone."""
    row = seen["identify"]
    assert json.loads(row["properties"])["email"].startswith("hmac-sha256:")
    assert "kim@example.com" not in str(row)


def test_properties_come_back_exact(seen: Seen) -> None:
    """The text of properties comes out of the view byte for byte."""
    assert seen["exact"]["properties"] == EXACT


def test_rejected_events_have_their_reason(product: RunningProduct, seen: Seen) -> None:
    """A rejected event stands in its own view, with reason and path, and not among the events."""
    statement = "SELECT * FROM rejected_events WHERE sent_name = 'Bought A Pony'"
    product.wait_visible(lambda: bool(product.sql(statement)))
    (row,) = product.sql(statement)
    assert (row["reason"], row["path"]) == ("unknown_event", "$.event")
    assert "unknown" not in seen


def test_a_retry_changes_nothing(product: RunningProduct, seen: Seen) -> None:
    """The same messages sent again arrive once more, and are no new events."""
    items = [call | {"messageId": id_} for id_, call in WEB.items() if id_ != "unknown"]
    product.post("/v1/batch", _batch(items))
    events = "SELECT count() AS n FROM events WHERE library = 'line 1'"
    arrivals = (
        "SELECT count() AS n FROM arrivals"
        " WHERE event_id IN (SELECT event_id FROM events WHERE library = 'line 1')"
    )
    product.wait_visible(lambda: int(product.sql(arrivals)[0]["n"]) == 2 * len(items))
    assert int(product.sql(events)[0]["n"]) == len(items)


def test_refused_bodies_are_handed_out_as_json(product: RunningProduct) -> None:
    """A body that is no UTF-8, and one whose key stands in it alone, are rows of valid JSON."""
    odd = b'{"writeKey":"dev","event":"cta_clicked","userId":"odd","properties":{"a":"\xff\xfe"}}'
    assert product.post("/v1/track", odd).status_code == 400
    assert product.post("/v1/batch", b'{"writeKey":"dev","batch":{"marked":1}}').status_code == 400
    found: list[dict[str, Any]] = []

    def all_there() -> bool:
        found[:] = product.sql(
            "SELECT payload, event_name, reason FROM rejected_events"
            " WHERE payload LIKE '%marked%' OR payload LIKE '%odd%' ORDER BY event_name"
        )
        return len(found) == 2

    product.wait_visible(all_there)
    assert [row["reason"] for row in found] == ["unreadable_body"] * 2
    assert r"\xff\xfe" in found[1]["payload"]
    (ledger,) = product.sql("SELECT sum(unaccounted) AS unaccounted FROM ledger_minutely")
    assert int(ledger["unaccounted"]) == 0
