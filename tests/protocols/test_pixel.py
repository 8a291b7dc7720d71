"""The tracking pixel over real sockets: a GET that is one call, answered with a picture."""

import base64
import json
from typing import Any

import httpx
import orjson
import pytest

from tests.conftest import RunningCollector, Taken


def _get(collector: RunningCollector, call: str, **parameters: str) -> Taken:
    return collector.taken(
        lambda: collector.client.get(f"/v1/pixel/{call}", params=httpx.QueryParams(parameters))
    )


def test_track(collector: RunningCollector) -> None:
    """A track pixel's parameters are the call's fields, with properties as JSON or one by one."""
    parameters = {
        "writeKey": "dev",
        "event": "CTA Clicked",
        "anonymousId": "a-1",
        "messageId": "pixel-1",
        "properties": '{"cta_id": "apply", "card_holder": true}',
        "properties.track": "kotlin",
        "context.locale": "ko-KR",
    }
    answer, rows = _get(collector, "track", **parameters)
    assert answer.status_code == 200
    assert [(row["event_name"], row["sent_name"], row["reason"]) for row in rows] == [
        ("cta_clicked", "CTA Clicked", "")
    ]
    payload = json.loads(rows[0]["payload"])
    assert payload["properties"] == {"cta_id": "apply", "card_holder": True, "track": "kotlin"}
    assert payload["context"] == {"locale": "ko-KR"}


def test_page(collector: RunningCollector) -> None:
    """A page pixel is a page call, and names the page that holds it by its Referer."""
    parameters = {"writeKey": "dev", "userId": "u-1", "name": "Guide"}
    answer, rows = collector.taken(
        lambda: collector.client.get(
            "/v1/pixel/page", params=parameters, headers={"referer": "https://guide.example/x"}
        )
    )
    assert answer.status_code == 200
    assert [(row["event_name"], row["page"]) for row in rows] == [
        ("page_viewed", "https://guide.example/x")
    ]


def test_picture(collector: RunningCollector) -> None:
    """The answer is a GIF of one transparent pixel that no cache keeps."""
    answer, _ = _get(collector, "page", writeKey="dev", userId="u-1")
    assert answer.headers["content-type"] == "image/gif"
    assert answer.headers["cache-control"] == "no-store"
    # GIF89a, sections 17, 18 and 27: signature, a logical screen of 1 by 1, and the trailer.
    assert answer.content[:10] == b"GIF89a\x01\x00\x01\x00"
    assert answer.content[-1:] == b"\x3b"


def test_picture_of_a_rejected_event(collector: RunningCollector) -> None:
    """A rejected event leaves a row and the picture all the same, since no page can mend it."""
    answer, rows = _get(collector, "track", writeKey="dev", userId="u-1", event="cta_clicked")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/gif")
    assert [row["reason"] for row in rows] == ["schema"]


@pytest.mark.parametrize("pad", [True, False])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_data(collector: RunningCollector, encode: Any, *, pad: bool) -> None:
    """`data` holds the whole call as Base64 of its JSON, in either alphabet, padded or not."""
    call = {
        "writeKey": "dev",
        "userId": "u-1",
        "event": "cta_clicked",
        "properties": {"cta_id": "지원>>>???"},
    }
    data = encode(orjson.dumps(call)).decode()
    answer, rows = _get(collector, "track", data=data if pad else data.rstrip("="))
    assert answer.status_code == 200
    assert json.loads(rows[0]["payload"])["properties"] == {"cta_id": "지원>>>???"}


@pytest.mark.parametrize(
    "parameters",
    [
        {"data": "***"},
        {"data": base64.b64encode(b"{").decode()},
        {"data": base64.b64encode(b"[]").decode()},
        {"data": base64.b64encode(b"5").decode()},
        {"data": base64.b64encode(b'{"properties": 5}').decode(), "properties.a": "1"},
        {"properties": "[1]"},
        {"properties": "5"},
        {"context": "nonsense"},
    ],
)
def test_unreadable(collector: RunningCollector, parameters: dict[str, str]) -> None:
    """A query that is no call is answered 400 in the shape of all errors, and kept."""
    answer, rows = collector.taken(
        lambda: collector.client.get("/v1/pixel/track", params=parameters, auth=("dev", ""))
    )
    assert answer.status_code == 400
    assert answer.json()["error"]["reason"] == "unreadable_body"
    assert [row["reason"] for row in rows] == ["unreadable_body"]


def test_unknown_key(collector: RunningCollector) -> None:
    """A pixel without a key of ours is answered 401 and leaves nothing."""
    answer, rows = _get(collector, "page", writeKey="other", userId="u-1")
    assert (answer.status_code, rows) == (401, [])


def test_kept_text(collector: RunningCollector) -> None:
    """What was sent in the query is kept as the call's JSON but for its key, in any order."""
    _, rows = _get(collector, "page", userId="u-1", writeKey="dev", name="Home")
    payload = json.loads(rows[0]["payload"])
    assert payload == {"userId": "u-1", "name": "Home", "type": "page"}
