"""Content-Encoding of request bodies: undone as a stream under an absolute cap.

Hands on the plain body, or a `Refusal` that says how to answer.
"""

import zlib
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Protocol

import brotli  # type: ignore[import-untyped]  # the package ships no types
from backports import zstd

from funnelhouse.ingest.validation.refusal import Refusal

_CHUNK = 16_384
_GZIP_MAGIC = b"\x1f\x8b"
_MAX_CODINGS = 3
_MAX_MEMBERS = 1_000  # opening a decoder takes up to 10 µs: empty members would stall a worker
_ZSTD_OPTIONS = {int(zstd.DecompressionParameter.window_log_max): 23}  # 8 MiB, RFC 9659 section 3


class _Decoder(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


def inflate(body: bytes, encoding: str, max_bytes: int) -> bytes | Refusal:
    """Undo the codings of a Content-Encoding header, the last one first (RFC 9110 section 8.4).

    The inflated pieces never pass `max_bytes` by more than one chunk. gzip, deflate and zstd
    bodies may have several members (RFC 1952 section 2.2, RFC 8878 section 3). A body that
    starts as gzip does is inflated though no coding was named: trackers in the wild send it.
    Refusals are 415 unknown_encoding, 413 too_large and 400 unreadable_body.
    """
    codecs = _codecs(encoding)
    if codecs is None:
        return _UNKNOWN
    if not codecs and body.startswith(_GZIP_MAGIC):
        codecs = (_gzip,)
    for codec in codecs:
        plain = _undo(codec, body, max_bytes)
        if isinstance(plain, Refusal):
            return plain
        body = plain
    return body if len(body) <= max_bytes else _too_large(max_bytes)


def _undo(
    codec: Callable[[bytes], Iterator[bytes]], body: bytes, max_bytes: int
) -> bytes | Refusal:
    pieces = []
    room = max_bytes
    try:
        for piece in codec(body):
            room -= len(piece)
            if room < 0:
                return _too_large(max_bytes)
            pieces.append(piece)
    except (zlib.error, zstd.ZstdError, brotli.error, EOFError):
        return _UNREADABLE
    return b"".join(pieces)


def _members(new_decoder: Callable[[], _Decoder], body: bytes) -> Iterator[bytes]:
    decoder = new_decoder()
    members = 1
    for start in range(0, len(body), _CHUNK):
        data = body[start : start + _CHUNK]
        full = False
        while data or full:
            if decoder.eof:
                decoder = new_decoder()
                members += 1
                if members > _MAX_MEMBERS:
                    raise EOFError
            piece = decoder.decompress(data, _CHUNK)
            yield piece
            # zlib hands back what it has not read yet, zstd keeps it until it is asked for more
            data = decoder.unused_data if decoder.eof else getattr(decoder, "unconsumed_tail", b"")
            full = len(piece) == _CHUNK and not decoder.eof
    if not decoder.eof:
        raise EOFError


def _gzip(body: bytes) -> Iterator[bytes]:
    return _members(lambda: zlib.decompressobj(zlib.MAX_WBITS | 16), body)


def _deflate(body: bytes) -> Iterator[bytes]:
    """Tell zlib's wrapper (RFC 1950) by its first two bytes from the bare stream many send."""
    wrapped = (
        len(body) > 1 and body[0] & 0x0F == zlib.DEFLATED and (body[0] << 8 | body[1]) % 31 == 0
    )
    wbits = zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS
    return _members(lambda: zlib.decompressobj(wbits), body)


def _zstd(body: bytes) -> Iterator[bytes]:
    return _members(lambda: zstd.ZstdDecompressor(options=_ZSTD_OPTIONS), body)


def _brotli(body: bytes) -> Iterator[bytes]:
    """Pieces of the library's smallest output buffer, 32 KiB, whatever the body would grow to."""
    decoder = brotli.Decompressor()
    piece = decoder.process(body, output_buffer_limit=1)
    while piece:
        yield piece
        piece = b"" if decoder.is_finished() else decoder.process(b"", output_buffer_limit=1)
    if not decoder.is_finished():
        raise EOFError


_CODECS = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "zstd": _zstd,
    "br": _brotli,
}


@lru_cache(maxsize=64)
def _codecs(encoding: str) -> tuple[Callable[[bytes], Iterator[bytes]], ...] | None:
    names = [name for part in encoding.lower().split(",") if (name := part.strip())]
    codecs = [_CODECS.get(name) for name in reversed(names) if name != "identity"]
    known = tuple(codec for codec in codecs if codec)
    return known if len(known) == len(codecs) <= _MAX_CODINGS else None


_UNKNOWN = Refusal(
    415,
    "unknown_encoding",
    f"The Content-Encoding is not known; send {', '.join(_CODECS)} or identity, "
    f"at most {_MAX_CODINGS} of them.",
)
_UNREADABLE = Refusal(
    400,
    "unreadable_body",
    "The body does not inflate as its Content-Encoding says; send it whole, with nothing after it.",
)


def _too_large(max_bytes: int) -> Refusal:
    return Refusal(
        413,
        "too_large",
        f"The body holds over {max_bytes} bytes once inflated; send smaller batches.",
    )
