"""Snowplow's payloads of odd shapes: nothing is dropped, what cannot be read is said."""

import base64
import json
from typing import Any

import pytest

from funnelhouse.ingest.collector.protocols.snowplow import decode, decode_query
from funnelhouse.ingest.validation.event import Envelope, Odd
from funnelhouse.ingest.validation.refusal import Refusal
from funnelhouse.schemas.trackers import SnowplowNames

NAMES = SnowplowNames()
PAYLOADS = "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4"


def item(payload: Any) -> Any:
    """The call that a payload becomes; its text is the same."""
    body = json.dumps({"schema": PAYLOADS, "data": [payload]}).encode()
    read = decode(body, NAMES, "sp")
    assert isinstance(read, Envelope)
    (event,) = read.events
    assert json.loads(event.text) == event.item
    assert read.write_key == "sp"
    return event.item


def test_times() -> None:
    """The device's time is corrected by the time of sending; a true time is taken as it is."""
    assert item({"e": "pv", "dtm": "1722211200000", "stm": "1722211201000"})["sentAt"]
    true = item({"e": "pv", "dtm": "1", "stm": "2", "ttm": "1722211200000"})
    assert true["timestamp"] == "1722211200000"
    assert "sentAt" not in true


def test_what_has_no_field_of_ours_stays() -> None:
    """Fields without a column stay in the context, under Snowplow's names."""
    context = item({"e": "pv", "res": "1x1", "tna": "sp", "vid": "3", "odd": {"a": 1}})["context"]
    assert context["snowplow"] == {"res": "1x1", "tna": "sp", "vid": "3", "odd": {"a": 1}}


@pytest.mark.parametrize("encoded", [True, False])
def test_self_describing(*, encoded: bool) -> None:
    """A self-describing event is named by its schema, plain or as Base64 without padding."""
    inner = {"schema": "iglu:com.acme/guide_opened/jsonschema/1-0-0", "data": {"guide_id": "g?>"}}
    outer = {"schema": "iglu:com.snowplowanalytics.snowplow/unstruct_event/jsonschema/1-0-0"}
    text = json.dumps(outer | {"data": inner})
    packed = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
    call = item({"e": "ue", "ue_px": packed} if encoded else {"e": "ue", "ue_pr": text})
    assert (call["event"], call["properties"]) == ("guide_opened", {"guide_id": "g?>"})
    assert call["context"]["snowplow"]["schema"] == inner["schema"]


@pytest.mark.parametrize(
    "payload",
    [
        {"e": "ue", "ue_px": "%%%"},
        {"e": "ue", "ue_pr": "[]"},
        {"e": "ue", "ue_pr": '{"data": 5}'},
        {"e": "se"},
        {"e": "pv", "co": '{"data": [1, {"schema": 5, "data": 1}]}'},
        {"e": "tr"},
        {},
        {"e": 5, "url": {"a": 1}, "aid": [], "sid": 3},
    ],
)
def test_odd_payloads(payload: Any) -> None:
    """Whatever a payload holds, it becomes one call that the pipeline may judge."""
    assert item(payload)["type"] in {"track", "page"}


@pytest.mark.parametrize("payload", [5, None, "text", []])
def test_what_is_no_payload(payload: Any) -> None:
    """What is no object stands as it was sent."""
    assert item(payload) == payload


def test_session_of_an_entity() -> None:
    """Where no session id is sent, that of the session's entity counts."""
    session = {
        "schema": "iglu:com.snowplowanalytics.snowplow/client_session/jsonschema/1-0-2",
        "data": {"sessionId": "s-1"},
    }
    call = item({"e": "pv", "co": json.dumps({"data": [session]})})
    assert call["context"]["sessionId"] == "s-1"
    assert call["context"]["entities"] == [session]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"schema": "x", "data": []}', b'{"data": 1}'])
def test_other_bodies(body: bytes) -> None:
    """A body that is no payload_data is refused."""
    read = decode(body, NAMES, "sp")
    assert isinstance(read, Refusal)
    assert read.status == 400


def test_query() -> None:
    """A GET is one event whose fields are the query."""
    read = decode_query({"e": ["pv"], "url": ["https://s.example/"], "uid": ["u"]}, NAMES, "sp")
    assert read.events[0].item["context"]["page"] == {"url": "https://s.example/"}


@pytest.mark.parametrize(
    "odd", ['{"e":"pv","n":NaN}', '{"e":"pv","tv":1,"tv":1}', '{"e":"pv","url":"\x01"}']
)
def test_one_odd_payload_is_rejected_alone(odd: str) -> None:
    """Of the payloads of a POST, the one that no reader takes is rejected, with its text."""
    good = '{"e":"pv","duid":"d"}'
    body = f'{{"schema":"{PAYLOADS}","data":[{good},{odd},{good}]}}'.encode()
    read = decode(body, NAMES, "sp")
    assert isinstance(read, Envelope)
    assert [isinstance(event.item, Odd) for event in read.events] == [False, True, False]
    assert read.events[1].text == odd.encode()
    assert read.events[1].item["type"] == "page"


def test_a_post_that_is_cut_short() -> None:
    """Of a body that ends too early no payload is taken."""
    body = f'{{"schema":"{PAYLOADS}","data":[{{"e":"pv"}},{{"e":"pv"'.encode()
    assert decode(body, NAMES, "sp") == decode(b"", NAMES, "sp")
