"""The Segment tracking API over real sockets: calls, keys, encodings, batches, and exact text."""

import base64
import gzip
import json
import os
import re
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import brotli  # type: ignore[import-untyped]  # the package ships no types
import orjson
import pytest
from backports import zstd

from tests.conftest import RunningCollector

DATA = Path(
    os.environ.get("FUNNELHOUSE_TEST_DATA", Path(__file__).parents[2].parent / "shared" / "data")
)
CALLS: dict[str, tuple[dict[str, Any], str]] = {
    "track": ({"event": "cta_clicked", "properties": {"cta_id": "apply"}}, "cta_clicked"),
    "page": ({"properties": {"path": "/kotlin"}}, "page_viewed"),
    "screen": ({"name": "Home"}, "screen_viewed"),
    "identify": ({"traits": {"card_holder": True}}, "identified"),
    "group": ({"groupId": "kotlin-6", "traits": {"kind": "cohort"}}, "grouped"),
    "alias": ({"previousId": "a-1"}, "aliased"),
}
CALL_PATHS = [(call, path) for call in CALLS for path in (call, call[0])]


def _click(**fields: Any) -> dict[str, Any]:
    return {
        "type": "track",
        "event": "cta_clicked",
        "userId": "u-1",
        "messageId": str(uuid4()),
        "properties": {"cta_id": "apply"},
        **fields,
    }


def _properties(row: dict[str, Any]) -> bytes:
    """The text of a payload's properties, found without a JSON parser."""
    payload: bytes = row["payload"]
    return payload.partition(b'"properties":')[2].removesuffix(b"}")


def _kept(body: bytes) -> bytes:
    """What is kept of a single call: all but its write key."""
    return re.sub(rb'"writeKey":"[^"]*",?', b"", body).replace(b",}", b"}")


def _with_properties(text: bytes) -> bytes:
    return b'{"writeKey":"dev","event":"cta_clicked","userId":"u-1","properties":' + text + b"}"


@pytest.mark.parametrize(("call", "path"), CALL_PATHS)
def test_call_and_short_path(collector: RunningCollector, call: str, path: str) -> None:
    """Each call is taken on its own path and on the one-letter path of analytics.js."""
    fields, name = CALLS[call]
    body = {"writeKey": "dev", "userId": "u-1"} | fields
    answer, rows = collector.take(f"/v1/{path}", body)
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert [(row["event_type"], row["event_name"], row["reason"]) for row in rows] == [
        (call, name, "")
    ]


@pytest.mark.parametrize("path", ["/v1/batch", "/v1/b"])
def test_batch(collector: RunningCollector, path: str) -> None:
    """A batch holds calls of every kind, which arrive in their order."""
    items = [{"type": call, "userId": "u-1"} | fields for call, (fields, _) in CALLS.items()]
    answer, rows = collector.take(path, {"writeKey": "dev", "batch": items})
    assert answer.json() == {"success": True}
    assert [(row["event_type"], row["event_name"]) for row in rows] == [
        (call, name) for call, (_, name) in CALLS.items()
    ]


def test_empty_batch(collector: RunningCollector) -> None:
    """A batch without a call is a success that leaves nothing."""
    answer, rows = collector.take("/v1/batch", {"writeKey": "dev", "batch": []})
    assert (answer.status_code, answer.json(), rows) == (200, {"success": True}, [])


BASIC = {"authorization": "Basic " + base64.b64encode(b"app:").decode()}


@pytest.mark.parametrize(
    ("in_body", "query", "headers", "source"),
    [
        ({"writeKey": "app"}, "", {}, "backend"),
        ({}, "?writeKey=app", {}, "backend"),
        ({}, "", BASIC, "backend"),
        ({"writeKey": "dev"}, "?writeKey=app", BASIC, "web"),
        ({}, "?writeKey=dev", BASIC, "web"),
    ],
    ids=["body", "query", "basic", "body before both", "query before basic"],
)
def test_place_of_key(
    collector: RunningCollector,
    in_body: dict[str, str],
    query: str,
    headers: dict[str, str],
    source: str,
) -> None:
    """The write key is found in the body, else in the query, else as Basic user name."""
    answer, rows = collector.take(f"/v1/track{query}", _click(**in_body), headers=headers)
    assert answer.status_code == 200
    assert [row["source"] for row in rows] == [source]


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "text/plain;charset=UTF-8",
        "application/x-www-form-urlencoded",
        "image/png",
        "nonsense",
        None,
    ],
)
def test_any_content_type(collector: RunningCollector, content_type: str | None) -> None:
    """JSON is taken whatever the content type says, as from sendBeacon, or when it says nothing."""
    headers = {} if content_type is None else {"content-type": content_type}
    answer, rows = collector.take("/v1/t", _click(writeKey="dev"), headers=headers)
    assert (answer.status_code, len(rows)) == (200, 1)


def _bare_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", _bare_deflate),
        ("br", brotli.compress),
        ("zstd", zstd.compress),
        ("GZIP", gzip.compress),
        ("gzip, br", lambda body: brotli.compress(gzip.compress(body))),
        ("identity", bytes),
        ("", gzip.compress),
    ],
)
def test_encoding(
    collector: RunningCollector, encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    """A body in each encoding, or gzip that nobody named, arrives as the text it was."""
    body = orjson.dumps(_click(writeKey="dev", properties={"cta_id": "지원" * 50}))
    headers = {"content-encoding": encoding} if encoding else {}
    answer, rows = collector.take("/v1/track", pack(body), headers=headers)
    assert answer.json() == {"success": True}
    assert [row["payload"] for row in rows] == [_kept(body)]


def test_chunked_body(collector: RunningCollector) -> None:
    """A body sent in chunks without a length is taken whole."""
    body = orjson.dumps(_click(writeKey="dev"))
    pieces = [body[start : start + 7] for start in range(0, len(body), 7)]
    _, rows = collector.taken(lambda: collector.client.post("/v1/track", content=iter(pieces)))
    assert [row["payload"] for row in rows] == [_kept(body)]


def test_batch_context_is_merged_deep(collector: RunningCollector) -> None:
    """A batch's context goes into each item at every depth, and what an item says itself wins."""
    shared = {"app": {"name": "site", "version": "1"}, "locale": "ko-KR", "tags": [1, 2]}
    own = {"app": {"version": "2", "build": "9"}, "tags": [3], "ip": None}
    items = [_click(context=own), _click()]
    _, rows = collector.take("/v1/batch", {"writeKey": "dev", "context": shared, "batch": items})
    contexts = [json.loads(row["payload"])["context"] for row in rows]
    assert contexts == [
        {
            "app": {"name": "site", "version": "2", "build": "9"},
            "locale": "ko-KR",
            "tags": [3],
            "ip": None,
        },
        shared,
    ]


def test_merged_context_leaves_the_rest_exact(collector: RunningCollector) -> None:
    """An item into which the batch's context is merged keeps the exact text of its other fields."""
    text = b'{"cta_id":"apply","n":1.0,"e":1e5,"big":123456789012345678901234567890}'
    item = b'{"type":"track","event":"cta_clicked","userId":"u-1","properties":' + text + b"}"
    body = b'{"writeKey":"dev","context":{"locale":"ko"},"batch":[' + item + b"]}"
    _, rows = collector.take("/v1/batch", body)
    assert rows[0]["payload"] == item[:-1] + b',"context":{"locale":"ko"}}'


@pytest.mark.parametrize(
    "text",
    [
        '{"cta_id":"apply","a":1.0,"b":1e5,"c":-0.0,"d":1E+2,"e":0.10}',
        '{"cta_id":"apply","big":18446744073709551616,"wide":0.1234567890123456789012345}',
        '{"z":1,"cta_id":"apply","a":2,"m":null}',
        '{ "cta_id" :\t"apply" ,\r\n "list":[ 1 , 2 ] }',
        r'{"cta_id":"\u0061pply","slash":"\/","escape":"\ud83d\ude00","nul":"\u0000"}',
        '{"cta_id":"apply","한글":"지원하기","emoji":"😀"}',
    ],
    ids=["numbers", "big", "order", "blanks", "escapes", "unicode"],
)
@pytest.mark.parametrize("batch", [False, True], ids=["single", "batch"])
def test_exact_text(collector: RunningCollector, text: str, *, batch: bool) -> None:
    """The text of properties reaches the spool byte for byte, alone and in a batch."""
    call = _with_properties(text.encode())
    path, body = "/v1/track", call
    if batch:
        call = call.replace(b"{", b'{"type":"track",', 1)
        path, body = "/v1/batch", b'{"writeKey":"dev","batch":[' + call + b"]}"
    answer, rows = collector.take(path, body)
    assert answer.json() == {"success": True}
    assert [(row["reason"], _properties(row)) for row in rows] == [("", text.encode())]


def _shared(name: str) -> Path:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"{name} is not there: set FUNNELHOUSE_TEST_DATA to its folder")
    return path


def test_naughty_strings(collector: RunningCollector) -> None:
    """Each string of the big list of naughty strings comes back byte for byte."""
    strings = json.loads(_shared("blns.json").read_bytes())
    texts = [orjson.dumps({"cta_id": "apply", "naughty": text}) for text in strings]
    calls = [_with_properties(text).replace(b"{", b'{"type":"track",', 1) for text in texts]
    body = b'{"writeKey":"dev","batch":[' + b",".join(calls) + b"]}"
    answer, rows = collector.take("/v1/batch", body)
    assert answer.json() == {"success": True}
    assert [_properties(row) for row in rows] == texts
    assert len(rows) == 515


def _json_texts(kind: str) -> list[tuple[str, bytes]]:
    with tarfile.open(_shared("JSONTestSuite.tar.gz")) as archive:
        files = [
            (Path(member.name).name, archive.extractfile(member))
            for member in archive.getmembers()
            if member.isfile() and Path(member.name).name.startswith(kind)
        ]
        return [(name, file.read()) for name, file in files if file is not None]


def test_every_json_text_is_taken(collector: RunningCollector) -> None:
    """Every text of JSONTestSuite that must parse is taken, and comes back byte for byte.

    Two of them give a key twice: those are kept, but rejected.
    """
    texts = _json_texts("y_")
    assert len(texts) == 95
    for name, text in texts:
        call = _with_properties(b'{"cta_id":"apply","any":' + text + b"}")
        answer, rows = collector.take("/v1/track", call)
        twice = name.startswith("y_object_duplicated_key")
        assert answer.status_code == 200
        assert rows[0]["reason"] == ("duplicate_key" if twice else ""), name
        assert rows[0]["payload"] == _kept(call), name


def test_no_other_text_poisons_a_batch(collector: RunningCollector) -> None:
    """A text of JSONTestSuite that must not parse rejects its event, not those beside it."""
    good = orjson.dumps(_click(), option=orjson.OPT_APPEND_NEWLINE)
    for name, text in _json_texts("n_"):
        odd = b'{"type":"track","event":"x","userId":"u","properties":{"v":' + text + b"}}"
        body = b'{"writeKey":"dev","batch":[' + b",".join((good, odd, good)) + b"]}"
        answer, rows = collector.take("/v1/batch", body)
        assert answer.status_code == 200, name
        reason = "unreadable_event" if len(odd) <= 32_768 else "too_large"
        assert [row["reason"] for row in rows] == ["", reason, ""], name


def test_no_other_text_is_taken(collector: RunningCollector) -> None:
    """Every text of JSONTestSuite that must not parse is answered 400, and kept as it came."""
    texts = _json_texts("n_")
    assert len(texts) == 188
    for name, text in texts:
        answer, rows = collector.take("/v1/track?writeKey=dev", text)
        assert (answer.status_code, answer.json()["success"]) == (400, False), name
        assert [row["reason"] for row in rows] == ["unreadable_body"], name
        assert text.decode("utf-8", "backslashreplace").startswith(rows[0]["payload"].decode()), (
            name
        )


def test_texts_that_may_parse(collector: RunningCollector) -> None:
    """Every text of JSONTestSuite that may parse or not is a 200 or a 400, and leaves one row."""
    texts = _json_texts("i_")
    assert len(texts) == 35
    for name, text in texts:
        call = _with_properties(b'{"cta_id":"apply","any":' + text + b"}")
        answer, rows = collector.take("/v1/track?writeKey=dev", call)
        assert (answer.status_code, len(rows)) in {(200, 1), (400, 1)}, name


@pytest.mark.parametrize(
    "poison",
    [
        *(rb'"\ud800"', b"1e400", b"-1e400", b"9" * 400, b"9" * 5000),
        *(b"NaN", b"Infinity", b"-Infinity", b'"\xff\xfe"', b'"\x01"', b'"a\nb"', b'"a\tb"'),
        *(b"1,", b"undefined", b"01", b"'x'", b'"open', b"[", b"{", b"]", b"{}}"),
    ],
)
@pytest.mark.parametrize("context", [b"", b'"context":{"locale":"ko"},'], ids=["bare", "context"])
def test_value_that_nobody_reads_alike(
    collector: RunningCollector, poison: bytes, context: bytes
) -> None:
    """A value that JSON allows and readers refuse is rejected with its event, and no other one."""
    good = orjson.dumps(_click(messageId="good"))
    bad = b'{"type":"track","event":"cta_clicked","userId":"u","properties":{"v":' + poison + b"}}"
    body = b'{"writeKey":"dev",' + context + b'"batch":[' + b",".join((good, bad, good)) + b"]}"
    answer, rows = collector.take("/v1/batch", body)
    assert answer.status_code == 200
    assert list(answer.json()["results"]) == ["1"]
    assert [row["reason"] for row in rows] == ["", "unreadable_event", ""]


@pytest.mark.parametrize("depth", [33, 300, 900, 1000, 1018])
@pytest.mark.parametrize("opening", [b'{"a":', b"["], ids=["objects", "arrays"])
@pytest.mark.parametrize("context", [b"", b'"context":{"locale":"ko"},'], ids=["bare", "context"])
def test_depth_bomb(
    collector: RunningCollector, depth: int, opening: bytes, context: bytes
) -> None:
    """An event nested too deep is rejected with its reason, the others of its batch are taken."""
    closing = b"}" if opening.startswith(b"{") else b"]"
    nested = opening * depth + b"1" + closing * depth
    bomb = b'{"type":"identify","userId":"u","traits":{"email":"a@b.c"},"context":{"n":'
    bomb += nested + b"}}"
    good = orjson.dumps(_click())
    body = b'{"writeKey":"dev",' + context + b'"batch":[' + good + b"," + bomb + b"]}"
    answer, rows = collector.take("/v1/batch", body)
    assert answer.status_code == 200
    assert [row["reason"] for row in rows] == ["", "too_deep"]
    assert b"a@b.c" not in rows[1]["payload"]


def test_bottomless_depth_bomb(collector: RunningCollector) -> None:
    """A body nested beyond what any parser takes is refused before it is parsed, and not kept."""
    body = b'{"writeKey":"dev","properties":' + b"[" * 500_000 + b"]" * 500_000 + b"}"
    answer, rows = collector.take("/v1/track?writeKey=dev", body)
    assert (answer.status_code, rows) == (413, [])
    assert answer.json()["error"]["reason"] == "too_many_values"


def test_byte_order_mark(collector: RunningCollector) -> None:
    """EF BB BF before a body, alone or of a batch, says nothing and takes nothing away."""
    call = orjson.dumps(_click(writeKey="dev"))
    answer, rows = collector.take("/v1/track", b"\xef\xbb\xbf" + call)
    assert (answer.json(), [row["payload"] for row in rows]) == ({"success": True}, [_kept(call)])
    batch = orjson.dumps({"writeKey": "dev", "batch": [_click(), _click()]})
    answer, rows = collector.take("/v1/batch", b"\xef\xbb\xbf" + batch)
    assert (answer.json(), [row["reason"] for row in rows]) == ({"success": True}, ["", ""])


def test_an_odd_event_says_what_it_is(collector: RunningCollector) -> None:
    """An event rejected for its text is kept with its name, its text, and its personal hashes."""
    odd = b'{"type":"identify","userId":"u","traits":{"email":"kim@example.com","n":NaN}}'
    answer, rows = collector.take("/v1/batch", b'{"writeKey":"dev","batch":[' + odd + b"]}")
    assert answer.json()["results"]["0"]["reason"] == "unreadable_event"
    assert (rows[0]["event_name"], b"kim" in rows[0]["payload"]) == ("identified", False)


@pytest.mark.parametrize(
    ("odd", "path"),
    [
        (b'"sentAt":NaN', None),
        (b'"context":{"n":NaN}', "$.context"),
        (b'"context":{"a":1,"a":2}', "$.context.a"),
        (b'"context":{"app":{"v":1,"v":2}}', "$.context.app.v"),
    ],
)
def test_odd_fields_of_a_batch(collector: RunningCollector, odd: bytes, path: str | None) -> None:
    """What a batch's events share rejects each of them where it is odd, on its own."""
    batch = orjson.dumps([_click(), _click()])
    answer, rows = collector.take(
        "/v1/batch", b'{"writeKey":"dev",' + odd + b',"batch":' + batch + b"}"
    )
    assert answer.status_code == 200
    assert [row["path"] or None for row in rows] == [path] * 2


DUPLICATES = [
    ('"properties":{"cta_id":"a","cta_id":"b"}', "$.properties.cta_id"),
    (r'"properties":{"cta_id":"a","cta\u005fid":"a"}', "$.properties.cta_id"),
    (r'"properties":{"cta_id":"a","x":"\u003a","x":1}', "$.properties.x"),
    (r'"properties":{"cta_id":"a","x":"\u003A\u003A","x":":"}', "$.properties.x"),
    ('"properties":{"cta_id":"a","l":[{},{"y":1,"y":1}]}', "$.properties.l[1].y"),
    ('"properties":{"cta_id":"a","":1,"":1}', '$.properties[""]'),
    ('"properties":{"cta_id":"a"},"properties":{}', "$.properties"),
    ('"properties" : {"cta_id" : "a"} , "userId" : "v"', "$.userId"),
    ('"context":{"traits":{"email":"kim@example.com"},"traits":{}}', "$.context.traits"),
    ('"traits":{"email":"kim@example.com"},"traits":{}', "$.traits"),
    ('"traits":{"email":"kim@example.com","email":""}', "$.traits.email"),
    ('"messageId":"m","messageId":"n"', "$.messageId"),
]


@pytest.mark.parametrize("batch", [False, True], ids=["single", "batch"])
@pytest.mark.parametrize(("fields", "path"), DUPLICATES)
def test_duplicate_key(collector: RunningCollector, fields: str, path: str, *, batch: bool) -> None:
    """A key that stands twice in an object rejects its event, with the way to it; no other one."""
    odd = b'{"type":"track","event":"cta_clicked","userId":"u",' + fields.encode() + b"}"
    good = orjson.dumps(_click())
    body = b'{"batch":[' + b",".join((good, odd, good)) + b"]}" if batch else odd
    answer, rows = collector.take(f"/v1/{'batch' if batch else 'track'}?writeKey=dev", body)
    (result,) = answer.json()["results"].values()
    assert (answer.status_code, result["reason"], result["path"]) == (200, "duplicate_key", path)
    assert [row["reason"] for row in rows] == (
        ["", "duplicate_key", ""] if batch else ["duplicate_key"]
    )
    assert not any(b"kim" in row["payload"] for row in rows)


NO_DUPLICATES = [
    r'{"cta_id":"apply","a":"\"b\":","c":":::"}',
    r'{"cta_id":"apply","a":"\u0022b\u0022\u003a"}',
    r'{"cta_id":"apply","l":[{"x":1},{"x":1}],"o":{"cta_id":"apply"}}',
    '{"cta_id":"apply","A":1,"a":1,"\u00e9":1,"e\u0301":1}',
]


@pytest.mark.parametrize("properties", NO_DUPLICATES)
def test_keys_that_only_look_alike(collector: RunningCollector, properties: str) -> None:
    """The same key in other objects, in other letters or inside a string stands once."""
    body = _with_properties(properties.encode())
    answer, rows = collector.take("/v1/track", body)
    assert (answer.json(), rows[0]["payload"]) == ({"success": True}, _kept(body))


@pytest.mark.parametrize(
    "twice",
    [b'"batch":[],"batch":', b'"writeKey":"app","batch":', b'"sentAt":1,"sentAt":2,"batch":'],
)
def test_duplicate_key_of_a_batch(collector: RunningCollector, twice: bytes) -> None:
    """A batch whose own fields stand twice is refused and kept: nobody knows which was meant."""
    body = b'{"writeKey":"dev",' + twice + orjson.dumps([_click()]) + b"}"
    answer, rows = collector.take("/v1/batch", body)
    assert (answer.status_code, answer.json()["error"]["reason"]) == (400, "duplicate_key")
    assert [row["reason"] for row in rows] == ["duplicate_key"]


@pytest.mark.parametrize("spaces", [True, False], ids=["blanks", "none"])
def test_a_batch_that_is_cut_short(collector: RunningCollector, *, spaces: bool) -> None:
    """Of a body that ends too early nothing is taken: it is refused, and kept as one row."""
    body = json.dumps({"writeKey": "dev", "batch": [_click(), _click()]}).encode()
    body = body if spaces else orjson.dumps(json.loads(body))
    for length in (len(body) - 1, len(body) - 2, len(body) - 30, len(body) // 2):
        answer, rows = collector.take("/v1/batch", body[:length])
        assert (answer.status_code, answer.json()["error"]["reason"]) == (400, "unreadable_body")
        assert [(row["source"], row["reason"]) for row in rows] == [("web", "unreadable_body")]
