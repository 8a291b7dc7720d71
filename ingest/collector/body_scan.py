"""Counts what a body would become before anything is built of it, at the speed of a search.

Each count stops as soon as it passes its limit; hands on a `Refusal`, or None where all is well.
"""

from funnelhouse.ingest.validation.limits import Limits
from funnelhouse.ingest.validation.refusal import Refusal

_PIECE = 65_536
_NOT_STRUCTURE = bytes(set(range(256)) - set(b",[{"))
_FEWEST_BYTES = 2  # of a value in what holds it: a digit and a comma, or a tag and a length


def too_many_values(body: bytes, limits: Limits) -> Refusal | None:
    """Refuse a JSON text of more values than are taken; each takes some 100 bytes once it is built.

    Every value but the first follows a comma or opens an array or object. The first search counts
    those in texts too; only a body that it finds too many in is counted exactly.
    """
    most = limits.max_values
    if len(body) <= most * _FEWEST_BYTES or _structure(body) <= most:
        return None
    return _refusal(most) if json_values(body, most) > most else None


def json_values(text: bytes, most: int) -> int:
    """Count commas and openings outside of a JSON text's strings, up to about `most`."""
    text = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    found = 0
    in_string = 0
    for start in range(0, len(text), _PIECE):
        parts = text[start : start + _PIECE].split(b'"')
        found += _structure(b"".join(parts[in_string::2]))
        if found > most:
            break
        in_string ^= ~len(parts) & 1
    return found


def _structure(text: bytes) -> int:
    return len(text.translate(None, _NOT_STRUCTURE))


def too_many_messages(body: bytes, limits: Limits) -> Refusal | None:
    """Refuse a protobuf of OTLP's logs that holds more values and messages than are taken."""
    most = limits.max_values
    if len(body) <= most * _FEWEST_BYTES or len(body.translate(None, _NO_TAGS)) <= most:
        return None
    return _refusal(most) if protobuf_values(body, most) > most else None


def protobuf_values(body: bytes, most: int) -> int:
    """Count texts and messages in an ExportLogsServiceRequest, up to about `most`.

    What is no protobuf ends the count: its parser refuses it.
    """
    found = 0
    waiting = [(0, len(body), _REQUEST)]
    while waiting and found <= most:
        at, end, inner = waiting.pop()
        while at < end and found <= most:
            tag, at = _varint(body, at)
            number, kind = tag >> 3, tag & 7
            if kind == _LENGTH_DELIMITED:
                length, at = _varint(body, at)
                found += 1
                if number in inner:
                    waiting.append((at, min(at + length, end), _MESSAGES[inner[number]]))
                at += length
            elif kind == 0:
                _, at = _varint(body, at)
            elif kind in _FIXED:
                at += _FIXED[kind]
            else:
                return found
    return found


def _varint(body: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    for byte in body[at : at + _LONGEST_VARINT]:
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004 - the bit that says that more follow
            return value, at
        shift += 7
    return 0, len(body)


_LONGEST_VARINT = 10
_LENGTH_DELIMITED = 2
_FIXED = {1: 8, 5: 4}  # bytes of the kinds of a fixed length
_NO_TAGS = bytes(set(range(256)) - {number << 3 | _LENGTH_DELIMITED for number in range(1, 8)})
_REQUEST = {1: "ResourceLogs"}
_MESSAGES: dict[str, dict[int, str]] = {
    "ResourceLogs": {1: "Resource", 2: "ScopeLogs"},
    "Resource": {1: "KeyValue", 3: "EntityRef"},
    "EntityRef": {},
    "ScopeLogs": {1: "Scope", 2: "LogRecord"},
    "Scope": {3: "KeyValue"},
    "LogRecord": {5: "AnyValue", 6: "KeyValue"},
    "KeyValue": {2: "AnyValue"},
    "AnyValue": {5: "ArrayValue", 6: "KeyValueList"},
    "ArrayValue": {1: "AnyValue"},
    "KeyValueList": {1: "KeyValue"},
}
"""The fields of OTLP's logs (opentelemetry-proto 1.x, logs.proto) that hold messages."""


def _refusal(most: int) -> Refusal:
    detail = f"The body holds over {most} JSON values; send smaller batches, or less in an event."
    return Refusal(413, "too_many_values", detail)
