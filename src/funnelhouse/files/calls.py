"""Reads tracking calls from a file, one a line, and groups them into batches."""

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple
from uuid import UUID

import orjson

from funnelhouse.ingest.collector.protocols.segment import replace
from funnelhouse.transforms.identity import event_id

_ENVELOPE_BYTES = len(b'{"batch":[]}')


class CallLine(NamedTuple):
    """One line of a file: its number, where it ends, and the call that it is.

    `message_id` is "" where the call bears a number; `text` is None for a line that is no call.
    """

    line: int
    end: int
    message_id: str
    text: bytes | None


class Batching(NamedTuple):
    """The most events and bytes that one request carries."""

    events: int
    bytes: int


def read_calls(file: BinaryIO, line: int = 0, end: int = 0) -> Iterator[CallLine]:
    """Read NDJSON that goes on after a line and its end in bytes; blank lines are passed over.

    A call without a messageId gets one made from its line number and text, so that sending the
    same file again doubles nothing.
    """
    for raw in file:
        line += 1
        end += len(raw)
        text = raw.strip()
        if text:
            yield _call(line, end, text)


def batches(calls: Iterator[CallLine], most: Batching) -> Iterator[list[CallLine]]:
    """Group calls into batches within both limits; one call over the bytes goes alone."""
    batch: list[CallLine] = []
    size = _ENVELOPE_BYTES
    for call in calls:
        more = len(call.text or b"") + 1
        if batch and (len(batch) == most.events or size + more > most.bytes):
            yield batch
            batch, size = [], _ENVELOPE_BYTES
        batch.append(call)
        size += more
    if batch:
        yield batch


def _call(line: int, end: int, text: bytes) -> CallLine:
    try:
        item = orjson.loads(text)
    except orjson.JSONDecodeError:
        item = None
    if type(item) is not dict:
        return CallLine(line, end, "", None)
    sent = item.get("messageId")
    if type(sent) is str and sent.strip():
        return CallLine(line, end, sent, text)
    if type(sent) in {int, float}:
        return CallLine(line, end, "", text)
    made = _message_id(line, text)
    return CallLine(line, end, made, replace(text, messageId=made))


def _message_id(line: int, text: bytes) -> str:
    return str(UUID(bytes=event_id(f"{line} {text.decode()}", "send")))
