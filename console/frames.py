"""ClickHouse's compressed frames, which drivers ask of an HTTP answer by compress=1.

A frame is a checksum of all that follows it, a method, two sizes, and a block. What is written is
LZ4, the one method that drivers of every age read; all three are read.
"""

from collections.abc import Callable
from struct import Struct

import lz4.block
from backports.zstd import ZstdDecompressor, ZstdError
from clickhouse_cityhash.cityhash import CityHash128

BLOCK_BYTES = 1_048_576
"""The most that one frame holds, as the engine's own do by default."""

_LZ4, _ZSTD, _NONE = 0x82, 0x90, 0x02
_CHECKSUM_BYTES = 16
_HALVES = Struct("<QQ")
_HEAD = Struct("<BII")
"""The method, the bytes of head and block together, the bytes that the block holds."""


class FrameError(ValueError):
    """Bytes that are no frames, or hold too much; as text what is wrong."""


def framed(content: bytes) -> bytes:
    """Write bytes as frames; none are no frame."""
    starts = range(0, len(content), BLOCK_BYTES)
    return b"".join(_frame(content[start : start + BLOCK_BYTES]) for start in starts)


def unframed(data: bytes, most: int) -> bytes:
    """Read frames that hold at most so many bytes.

    Raises:
        FrameError: they are damaged, or hold more.
    """
    content, at = b"", 0
    while at < len(data):
        method, block, size = _parted(data, at)
        if len(content) + size > most:
            raise FrameError(f"the frames hold more than {most} bytes")
        content += _read(method, block, size)
        at += _CHECKSUM_BYTES + _HEAD.size + len(block)
    return content


def _frame(piece: bytes) -> bytes:
    block: bytes = lz4.block.compress(piece, store_size=False)
    summed = _HEAD.pack(_LZ4, _HEAD.size + len(block), len(piece)) + block
    return _checksum(summed) + summed


def _checksum(summed: bytes) -> bytes:
    """Sum bytes as drivers check them: CityHash128 of version 1.0.2, its first half first."""
    value: int = CityHash128(summed)
    return _HALVES.pack(*divmod(value, 2**64))


def _parted(data: bytes, at: int) -> tuple[int, bytes, int]:
    """Part the frame at a place into method, block and the size of what the block holds."""
    head = at + _CHECKSUM_BYTES
    if len(data) < head + _HEAD.size:
        raise FrameError("a frame ends too early")
    method, length, size = _HEAD.unpack_from(data, head)
    summed = data[head : head + length]
    if length < _HEAD.size or len(summed) < length:
        raise FrameError("a frame ends too early")
    if _checksum(summed) != data[at:head]:
        raise FrameError("a frame has another checksum than it says")
    return method, summed[_HEAD.size :], size


def _read(method: int, block: bytes, size: int) -> bytes:
    if method not in _READERS:
        raise FrameError(f"a frame is of the method {method:#04x}; send LZ4, ZSTD or none")
    try:
        piece = _READERS[method](block, size)
    except (lz4.block.LZ4BlockError, ZstdError) as error:
        raise FrameError(f"a frame cannot be decompressed ({error})") from error
    if len(piece) != size:
        raise FrameError("a frame holds another number of bytes than it says")
    return piece


_READERS: dict[int, Callable[[bytes, int], bytes]] = {
    _LZ4: lambda block, size: lz4.block.decompress(block, uncompressed_size=size),
    _ZSTD: lambda block, size: ZstdDecompressor().decompress(block, size),
    _NONE: lambda block, _size: block,
}
