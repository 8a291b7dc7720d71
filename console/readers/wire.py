"""Messages between the owner of the data and a reader: a JSON object, and bytes beside it."""

import struct
from typing import Any, BinaryIO, NamedTuple

import orjson

LENGTHS = struct.Struct(">IQ")
"""Bytes of the object, then bytes of the content."""

MAX_HEAD_BYTES = 64 * 1024**2


class Message(NamedTuple):
    """An object and a content; of what a reader sends, nothing is believed but its length."""

    head: dict[str, Any]
    content: bytes = b""


def written(message: Message) -> bytes:
    """Give a message as it goes through a pipe, but for its content."""
    head = orjson.dumps(message.head)
    return LENGTHS.pack(len(head), len(message.content)) + head


def send(stream: BinaryIO, message: Message) -> None:
    """Write a message."""
    stream.write(written(message))
    stream.write(message.content)
    stream.flush()


def receive(stream: BinaryIO) -> Message | None:
    """Read the next message, None where the other side has closed.

    Raises:
        EOFError: it ends within a message.
    """
    start = stream.read(LENGTHS.size)
    if not start:
        return None
    head, content = LENGTHS.unpack(start)
    return Message(orjson.loads(stream.read(head)), stream.read(content))
