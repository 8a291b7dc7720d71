"""Bodies that may cost far more than their bytes: a grammar of shapes, which a search mixes.

A `Shape` is a few choices and sizes; `request_of` writes it as a request.
"""

import base64
import gzip
import random
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import orjson
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from bench.cost import Request

_MOST_BYTES = 4_194_304
_MOST_BODY_BYTES = 1_048_576
_BASIC = (b"authorization", b"Basic ZGV2Og==")
_PROTOBUF = (b"content-type", b"application/x-protobuf")
_SNOWPLOW = "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4"


def _deep(width: int) -> bytes:
    levels = min(width, 900)
    return b"[" * levels + b"]" * levels


VALUES: dict[str, Callable[[int], bytes]] = {
    "ones": lambda n: b"[" + b",".join([b"1"] * n) + b"]",
    "lists": lambda n: b"[" + b",".join([b"[]"] * n) + b"]",
    "objects": lambda n: b"[" + b",".join([b'{"a":1}'] * n) + b"]",
    "keys": lambda n: b"{" + b",".join(b'"k%d":%d' % (i, i) for i in range(n)) + b"}",
    "doubles": lambda n: b"{" + b",".join([b'"a":{}'] * n) + b"}",
    "deep": _deep,
    "deep and wide": lambda n: b"[" * 500 + b",".join([b"{}"] * n) + b"]" * 500,
    "text": lambda n: b'"' + b"x" * n + b'"',
    "escapes": lambda n: b'"' + b'\\"\\\\\\u00e9' * n + b'"',
    "wide text": lambda n: '"{}"'.format("😀" * n).encode(),
    "commas": lambda n: b'"' + b",[{" * n + b'"',
    "digits": lambda n: b"1" * n,
    "nan": lambda n: b"[" + b",".join([b"NaN"] * n) + b"]",
    "surrogate": lambda n: b'"\\ud800' + b"x" * n + b'"',
    "traits": lambda n: b"[" + b",".join(b'{"email":%d}' % (100 + i) for i in range(n)) + b"]",
    "mails": lambda n: b'"' + b" ".join(b"a%d@b.co" % i for i in range(n)) + b'"',
    "cut short": lambda n: b"[" + b'{"a":' * n,
}
"""Values by kind, each as long as about a number."""

ITEMS = ("track", "page", "identify", "unknown", "bare", "value")
PATHS = ("batch", "single", "snowplow", "logs", "protobuf", "pixel")
PLACES = ("properties", "traits", "context", "messageId", "name", "shared")


@dataclass(frozen=True, slots=True)
class Shape:
    """Which path, how many events of which kind, which value of which size stands where."""

    path: str = "batch"
    item: str = "track"
    events: int = 1
    place: str = "properties"
    value: str = "ones"
    size: int = 1
    header: int = 0


def any_shape(dice: random.Random) -> Shape:
    """Draw a shape."""
    shape = Shape()
    for field in fields(Shape):
        shape = _drawn(shape, field.name, dice)
    return shape


def changed(shape: Shape, dice: random.Random) -> Shape:
    """Draw one or two of a shape's choices anew, or change a size a little."""
    for _ in range(dice.choice((1, 1, 2))):
        shape = _drawn(shape, dice.choice(fields(Shape)).name, dice)
    return shape


def _drawn(shape: Shape, name: str, dice: random.Random) -> Shape:
    old: Any = getattr(shape, name)
    choices = {"path": PATHS, "item": ITEMS, "place": PLACES, "value": tuple(VALUES)}
    if name in choices:
        return _with(shape, name, dice.choice(choices[name]))
    if name == "header":
        return replace(shape, header=dice.choice((0, 0, 1_024)))
    most = 2_500 if name == "events" else 400_000
    near = int(old * dice.choice((0.5, 0.8, 1.25, 2)))
    new = dice.choice((near, int(most ** dice.random())))
    return _with(shape, name, max(1, min(new, most)))


def _with(shape: Shape, name: str, value: Any) -> Shape:
    return replace(shape, **{name: value})


def request_of(shape: Shape) -> Request:
    """Write a shape as a request within the sizes that a collector reads."""
    while True:
        value = VALUES[shape.value](shape.size)
        if len(value) * (1 if shape.place == "shared" else shape.events) < _MOST_BYTES:
            return _WRITERS[shape.path](shape, value)
        shape = replace(shape, size=shape.size // 2, events=max(shape.events // 2, 1))


def _item(shape: Shape, value: bytes) -> bytes:
    if shape.item == "value":
        return value
    if shape.item == "bare":
        return b"1"
    members = {
        "track": b'"type":"track","event":"cta_clicked","userId":"u"',
        "page": b'"type":"page","userId":"u"',
        "identify": b'"type":"identify","userId":"u"',
        "unknown": b'"type":"track","event":"nope"',
    }[shape.item]
    place = {
        "properties": b'"properties":{"cta_id":"a","x":%b}',
        "traits": b'"traits":%b',
        "context": b'"context":{"traits":%b}',
        "messageId": b'"messageId":%b',
        "name": b'"name":%b',
    }.get(shape.place)
    return b"{" + members + (b"," + place % value if place else b"") + b"}"


def _batch(shape: Shape, value: bytes) -> Request:
    shared = b'"context":{"x":%b},' % value if shape.place == "shared" else b""
    items = b",".join([_item(shape, value)] * shape.events)
    body = b'{"writeKey":"dev",%b"batch":[%b]}' % (shared, items)
    return _post("/v1/batch", body, shape)


def _single(shape: Shape, value: bytes) -> Request:
    return _post(
        f"/v1/{'identify' if shape.item == 'identify' else 'track'}", _item(shape, value), shape
    )


def _snowplow(shape: Shape, value: bytes) -> Request:
    encoded = base64.urlsafe_b64encode(b'{"data":' + value + b"}").decode()
    payload = orjson.dumps({"e": "pv", "duid": "d", "url": "https://a.example/", "cx": encoded})
    if shape.item == "bare":
        payload = b"{}"
    items = b",".join([payload] * shape.events)
    body = b'{"schema":"%b","data":[%b]}' % (_SNOWPLOW.encode(), items)
    return _post("/com.snowplowanalytics.snowplow/tp2", body, shape)


def _logs(shape: Shape, value: bytes) -> Request:
    held = b'{"key":"x","value":{"arrayValue":{"values":%b}}}' % value
    shared = held if shape.place == "shared" else b""
    record = b'{"attributes":[%b]}' % held if shape.place != "shared" else b"{}"
    body = b'{"resourceLogs":[{"resource":{"attributes":[%b]},"scopeLogs":[{"logRecords":[%b]}]}]}'
    return _post("/v1/logs", body % (shared, b",".join([record] * shape.events)), shape)


def _protobuf(shape: Shape, value: bytes) -> Request:
    request = ExportLogsServiceRequest()
    logs = request.resource_logs.add()
    scope = logs.scope_logs.add()
    record = scope.log_records.add()
    held = logs.resource if shape.place == "shared" else record
    width = min(shape.size, 100_000 // shape.events + 1)
    if shape.value in {"text", "commas", "mails"}:
        held.attributes.add(key="x").value.string_value = value.decode()
    elif shape.value in {"lists", "ones"}:
        values = held.attributes.add(key="x").value.array_value.values
        for _ in range(width):
            values.add()
    else:
        for number in range(width):
            held.attributes.add(key=f"k{number}").value.int_value = number
    scope.log_records.extend([record] * (shape.events - 1))
    return _post("/v1/logs", request.SerializeToString(), shape, _PROTOBUF)


def _pixel(shape: Shape, value: bytes) -> Request:
    data = base64.urlsafe_b64encode(_item(shape, value))[:60_000]
    query = b"writeKey=dev&data=" + data
    if shape.item == "bare":
        query = b"writeKey=dev&" + b"&".join([b"a"] * min(shape.size, 900))
    return Request("/v1/pixel/track", query=query)


def _post(path: str, body: bytes, shape: Shape, *headers: tuple[bytes, bytes]) -> Request:
    given = (_BASIC, *headers)
    if shape.header:
        given += ((b"user-agent", b"u" * shape.header), (b"referer", b"r" * shape.header))
    if len(body) <= _MOST_BODY_BYTES:
        return Request(path, body, headers=given)
    return Request(path, gzip.compress(body, 1), headers=(*given, (b"content-encoding", b"gzip")))


_WRITERS: dict[str, Callable[[Shape, bytes], Request]] = {
    "batch": _batch,
    "single": _single,
    "snowplow": _snowplow,
    "logs": _logs,
    "protobuf": _protobuf,
    "pixel": _pixel,
}
