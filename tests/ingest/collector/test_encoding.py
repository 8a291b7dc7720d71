import gzip
import io
import itertools
import tracemalloc
import zlib
from collections.abc import Callable

import brotli  # type: ignore[import-untyped]  # the package ships no types
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from funnelhouse.ingest.collector.encoding import inflate
from funnelhouse.ingest.validation.refusal import Refusal

MIB = 1_048_576
CHUNK = 16_384


def bare_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def zstd_of_unknown_size(data: bytes) -> bytes:
    out = io.BytesIO()
    with zstandard.ZstdCompressor().stream_writer(out, closefd=False) as writer:
        writer.write(data)
    return out.getvalue()


def flushed_brotli(data: bytes) -> bytes:
    packer = brotli.Compressor()
    halves = [data[: len(data) // 2], data[len(data) // 2 :]]
    parts: list[bytes] = [packer.process(half) + packer.flush() for half in halves]
    return b"".join([*parts, packer.finish()])


PACKERS: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("gzip", gzip.compress),
    ("x-gzip", gzip.compress),
    ("deflate", zlib.compress),
    ("deflate", bare_deflate),
    ("br", brotli.compress),
    ("br", flushed_brotli),
    ("zstd", zstandard.compress),
    ("zstd", zstd_of_unknown_size),
]
EVENT = b'{"event":"CTA Clicked","properties":{"label":"\xec\xa7\x80\xec\x9b\x90"}}'

packed = pytest.mark.parametrize(("encoding", "pack"), PACKERS)


def reason(answer: bytes | Refusal) -> str:
    assert isinstance(answer, Refusal)
    return answer.reason


@packed
@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 4 * CHUNK, 300_001])
def test_packed_body_comes_out_whole(
    encoding: str, pack: Callable[[bytes], bytes], size: int
) -> None:
    """Each coding gives back what another implementation packed, around every chunk border."""
    data = (EVENT * (size // len(EVENT) + 1))[:size]
    assert inflate(pack(data), encoding, size) == data


@packed
@given(data=st.binary(max_size=200), repeat=st.integers(1, 2_000))
def test_any_content_comes_out_whole(
    encoding: str, pack: Callable[[bytes], bytes], data: bytes, repeat: int
) -> None:
    """Neither what is packed nor how far it shrinks changes what comes out."""
    assert inflate(pack(data * repeat), encoding, MIB) == data * repeat


@pytest.mark.parametrize("encoding", ["", "identity", " Identity ", ","])
def test_plain_body_stays(encoding: str) -> None:
    """A body without a coding is handed on as it came."""
    assert inflate(EVENT, encoding, MIB) == EVENT


def test_listed_codings_are_undone_last_first() -> None:
    """The first coding of the list was applied first, so it is undone last."""
    body = zstandard.compress(brotli.compress(gzip.compress(EVENT)))
    assert inflate(body, "gzip, BR ,identity,zstd", MIB) == EVENT


@pytest.mark.parametrize("encoding", ["", "identity"])
def test_gzip_that_nobody_declared_is_inflated(encoding: str) -> None:
    """A body that starts as gzip does is inflated though no coding was named."""
    assert inflate(gzip.compress(EVENT), encoding, MIB) == EVENT


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [("gzip", gzip.compress), ("zstd", zstandard.compress), ("zstd", zstd_of_unknown_size)],
)
@pytest.mark.parametrize("size", [0, 9, CHUNK, 3 * CHUNK + 1])
def test_all_members_are_decoded(encoding: str, pack: Callable[[bytes], bytes], size: int) -> None:
    """A body of several gzip members or zstd frames is the members' content in order."""
    members = [bytes([letter]) * size for letter in b"abc"]
    assert inflate(b"".join(map(pack, members)), encoding, MIB) == b"".join(members)


def test_member_may_end_with_the_chunk_it_is_fed_in() -> None:
    """A member whose last byte is the last of a chunk is followed by the next as any other."""
    overhead = len(gzip.compress(bytes(CHUNK // 2), compresslevel=0)) - CHUNK // 2
    content = bytes(CHUNK - overhead)
    member = gzip.compress(content, compresslevel=0)
    assert len(member) == CHUNK
    assert inflate(member + gzip.compress(b"next"), "gzip", MIB) == content + b"next"


def test_zstd_skippable_frame_adds_nothing() -> None:
    """A zstd frame of user data (RFC 8878 section 3.1.2) is passed over."""
    skippable = bytes.fromhex("502a4d18") + (3).to_bytes(4, "little") + b"abc"
    assert inflate(skippable + zstandard.compress(EVENT) + skippable, "zstd", MIB) == EVENT


@packed
def test_cap_is_exact(encoding: str, pack: Callable[[bytes], bytes]) -> None:
    """One byte over the cap is refused with 413, the cap itself is taken."""
    body = pack(EVENT * 1_000)
    size = len(EVENT) * 1_000
    refused = inflate(body, encoding, size - 1)
    assert inflate(body, encoding, size) == EVENT * 1_000
    assert isinstance(refused, Refusal)
    assert (refused.status, refused.reason) == (413, "too_large")


def test_cap_holds_for_plain_bodies() -> None:
    """A body that needs no inflating is held to the same cap."""
    assert inflate(EVENT, "", len(EVENT)) == EVENT
    assert reason(inflate(EVENT, "", len(EVENT) - 1)) == "too_large"


@packed
def test_bomb_never_takes_more_than_the_cap_and_a_chunk(
    encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    """A body that would grow to 64 MiB is refused before more than the cap is held."""
    bomb = pack(bytes(64 * MIB))
    tracemalloc.start()
    try:
        assert reason(inflate(bomb, encoding, MIB)) == "too_large"
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < MIB + 10 * CHUNK


def test_bomb_within_a_bomb_is_capped_at_each_step() -> None:
    """A coding that is undone on the way is capped like the last one."""
    bomb = gzip.compress(gzip.compress(bytes(64 * MIB)))
    assert reason(inflate(bomb, "gzip, gzip", 10_000)) == "too_large"


def test_declared_size_of_a_zstd_frame_is_not_believed() -> None:
    """A frame that claims to hold exabytes is refused as unreadable, and nothing is set aside."""
    frame = bytes.fromhex("28b52ffd") + b"\xe0" + b"\xff" * 7 + b"\x0f" + b"\x01\x00\x00"
    assert reason(inflate(frame, "zstd", MIB)) == "unreadable_body"


def test_zstd_window_is_bounded() -> None:
    """A frame that asks for a window over the 8 MiB of RFC 9659 is refused."""
    wide = zstandard.ZstdCompressionParameters.from_level(3, window_log=24)
    packer = zstandard.ZstdCompressor(compression_params=wide).compressobj()
    body = packer.compress(EVENT) + packer.flush()
    assert zstandard.get_frame_parameters(body).window_size == 16 * MIB
    assert reason(inflate(body, "zstd", MIB)) == "unreadable_body"


@packed
def test_every_cut_is_refused(encoding: str, pack: Callable[[bytes], bytes]) -> None:
    """A body cut anywhere is unreadable, never a shorter body."""
    body = pack(EVENT)
    answers = {reason(inflate(body[:cut], encoding, MIB)) for cut in range(len(body))}
    assert answers == {"unreadable_body"}


@packed
@pytest.mark.parametrize("size", [5, 3 * CHUNK])
def test_trailing_garbage_is_refused(
    encoding: str, pack: Callable[[bytes], bytes], size: int
) -> None:
    """Bytes after the end that are no further member make the body unreadable."""
    assert reason(inflate(pack(bytes(size)) + b"garbage", encoding, MIB)) == "unreadable_body"


def test_wrong_checksum_is_refused() -> None:
    """A gzip body whose CRC-32 disagrees with its content is unreadable."""
    body = bytearray(gzip.compress(EVENT))
    body[-8] ^= 1
    assert inflate(bytes(body), "gzip", MIB) == Refusal(
        400,
        "unreadable_body",
        "The body does not inflate as its Content-Encoding says; "
        "send it whole, with nothing after it.",
    )


@pytest.mark.parametrize(
    "encoding", ["compress", "gzip, lzma", "*", "gzip;q=1", "gzip,gzip,gzip,gzip", "\udcff"]
)
def test_unknown_encoding_is_named_so(encoding: str) -> None:
    """A coding that is not known, or a fourth one, is refused with 415 whatever the body is."""
    refused = inflate(EVENT, encoding, MIB)
    assert isinstance(refused, Refusal)
    assert (refused.status, refused.reason) == (415, "unknown_encoding")


@pytest.mark.parametrize(
    ("encoding", "member"),
    [("gzip", gzip.compress(b"", mtime=0)), ("zstd", bytes.fromhex("502a4d1800000000"))],
)
def test_thousands_of_empty_members_are_refused(encoding: str, member: bytes) -> None:
    """A body of members without content is given up after a thousand: each costs a decoder."""
    assert inflate(member * 1_000, encoding, MIB) == b""
    assert reason(inflate(member * 1_001, encoding, MIB)) == "unreadable_body"


@given(
    body=st.binary(max_size=300),
    start=st.sampled_from([b"", b"\x1f\x8b\x08\x00", b"\x28\xb5\x2f\xfd", b"\x78\x9c", b"\x1b"]),
    encoding=st.text(max_size=20)
    | st.sampled_from(
        [", ".join(pair) for pair in itertools.product(["gzip", "deflate", "br", "zstd"], repeat=2)]
    )
    | st.sampled_from(["gzip", "deflate", "br", "zstd", ""]),
)
def test_no_input_raises(body: bytes, start: bytes, encoding: str) -> None:
    """Whatever comes in, bytes within the cap or a refusal come out."""
    answer = inflate(start + body, encoding, 1_000)
    assert isinstance(answer, Refusal) or len(answer) <= 1_000
