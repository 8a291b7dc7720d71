import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from funnelhouse.ingest.collector.answers import (
    GIF,
    SUCCESS,
    Answer,
    cors_headers,
    error,
    preflight,
    success_with,
)

ORIGIN = b"https://nbcamp.example"


def test_success_is_the_200_that_sdks_wait_for() -> None:
    """Success is exactly status 200 with the body that the tracking API documents."""
    assert SUCCESS.status == 200
    assert SUCCESS.body == b'{"success": true}'
    assert (b"content-type", b"application/json") in SUCCESS.headers


def test_results_stand_beside_success() -> None:
    """Problems of single events leave the request a success and are told by message id."""
    results = {"m-1": {"outcome": "rejected", "reason": "schema", "path": "$.지원"}}
    answer = success_with(results)
    assert answer.status == 200
    assert json.loads(answer.body) == {"success": True, "results": results}


@given(st.dictionaries(st.text(), st.dictionaries(st.text(), st.text())))
def test_results_of_any_text_are_valid_json(results: dict[str, object]) -> None:
    """Message ids are strangers' text and come back as they were."""
    assert json.loads(success_with(results).body)["results"] == results


def test_lone_surrogate_in_a_message_id_comes_back() -> None:
    """Text that UTF-8 cannot hold is escaped rather than failing the answer."""
    answer = success_with({"\ud800": {"outcome": "rejected"}})
    assert json.loads(answer.body)["results"] == {"\ud800": {"outcome": "rejected"}}


def test_errors_have_one_shape() -> None:
    """An error is one JSON object with status, reason and detail, and says no more."""
    answer = error(401, "unknown key", "The write key is not known; copy it from the settings.")
    assert answer.status == 401
    assert json.loads(answer.body) == {
        "success": False,
        "error": {
            "status": 401,
            "reason": "unknown key",
            "detail": "The write key is not known; copy it from the settings.",
        },
    }
    assert b"retry-after" not in dict(answer.headers)


@pytest.mark.parametrize(("seconds", "header"), [(0, b"0"), (1, b"1"), (120, b"120")])
def test_retry_after_is_in_whole_seconds(seconds: int, header: bytes) -> None:
    """An error that passes by says when to come again."""
    assert dict(error(503, "spool full", "Send again.", seconds).headers)[b"retry-after"] == header


@pytest.mark.parametrize(
    "answer", [SUCCESS, GIF, success_with({"a": {}}), error(429, "rate", "Wait.", 1)]
)
def test_content_length_is_that_of_the_body(answer: Answer) -> None:
    """A prebuilt answer states its length in bytes, so that it is not sent in chunks."""
    assert dict(answer.headers)[b"content-length"] == str(len(answer.body)).encode()


def test_gif_is_one_transparent_pixel() -> None:
    """The pixel reads as GIF89a: screen and image of 1 by 1, colour 0 of two transparent."""
    signature, width, height, flags = struct.unpack_from("<6sHHB", GIF.body)
    assert (signature, width, height) == (b"GIF89a", 1, 1)
    colours = 3 * 2 ** ((flags & 7) + 1)
    control, size, transparency, _, index, end = struct.unpack_from(
        "<HBBHBB", GIF.body, 13 + colours
    )
    assert (control, size, transparency & 1, index, end) == (0xF921, 4, 1, 0, 0)
    image = struct.unpack_from("<BHHHHB", GIF.body, 13 + colours + 8)
    assert image == (ord(","), 0, 0, 1, 1, 0)
    assert GIF.body[13 + colours + 18 :] == bytes.fromhex("02 02 4401 00 3b")


def test_gif_is_never_kept() -> None:
    """No cache may answer in the collector's stead, or views would go uncounted."""
    headers = dict(GIF.headers)
    assert headers[b"cache-control"] == b"no-store"
    assert headers[b"content-type"] == b"image/gif"


def test_preflight_grants_what_is_asked() -> None:
    """Origin and headers are echoed, credentials allowed, and no body is sent."""
    answer = preflight(
        [
            (b"host", b"collector.example"),
            (b"origin", ORIGIN),
            (b"access-control-request-method", b"POST"),
            (b"access-control-request-headers", b"authorization,content-type"),
        ]
    )
    headers = dict(answer.headers)
    assert (answer.status, answer.body) == (204, b"")
    assert headers[b"access-control-allow-origin"] == ORIGIN
    assert headers[b"access-control-allow-headers"] == b"authorization,content-type"
    assert headers[b"access-control-allow-credentials"] == b"true"
    assert b"POST" in headers[b"access-control-allow-methods"].split(b", ")
    assert headers[b"access-control-max-age"] == b"86400"
    assert b"access-control-allow-private-network" not in headers


def test_preflight_varies_by_what_it_echoes() -> None:
    """A cache must not give one origin's grant to another."""
    headers = preflight([(b"origin", ORIGIN)]).headers
    varied = {value for name, value in headers if name == b"vary"}
    assert varied == {b"origin", b"access-control-request-headers"}


def test_preflight_answers_for_a_private_network() -> None:
    """A public page that asks to reach a collector on a private network may."""
    answer = preflight([(b"origin", ORIGIN), (b"access-control-request-private-network", b"true")])
    assert dict(answer.headers)[b"access-control-allow-private-network"] == b"true"


@pytest.mark.parametrize("value", [b"", b"a\r\nset-cookie: x=1", b"a\x00", b"\xff"])
def test_nothing_but_plain_text_is_echoed(value: bytes) -> None:
    """A value that could end a header line is not echoed."""
    answer = preflight([(b"origin", value), (b"access-control-request-headers", value)])
    names = {name for name, _ in answer.headers}
    assert b"access-control-allow-origin" not in names
    assert b"access-control-allow-headers" not in names


def test_page_may_read_the_answer_to_its_post() -> None:
    """The answer to a cross-origin POST names its origin, and lets the page read Retry-After."""
    assert dict(cors_headers(ORIGIN)) == {
        b"access-control-allow-origin": ORIGIN,
        b"access-control-allow-credentials": b"true",
        b"access-control-expose-headers": b"retry-after",
        b"vary": b"origin",
    }


def test_request_without_origin_gets_no_cors_headers() -> None:
    """A server's request carries no Origin and needs no grant."""
    assert cors_headers(b"") == []
