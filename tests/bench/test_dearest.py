"""One request harms nobody: the dearest that the search found stay within what is promised.

Times are of the processor, twice what is promised: a busy machine makes its caches slower.
"""

import pytest

from bench.bodies import Shape, request_of
from bench.cost import Scales

_BLOCKED_MS = 200.0
_MEMORY_MB = 64.0
_DISK = 4.0


@pytest.fixture(scope="module")
def scales(tmp_path_factory: pytest.TempPathFactory) -> Scales:
    """Give scales with a worker of their own."""
    return Scales(tmp_path_factory.mktemp("scales"))


@pytest.mark.parametrize(
    "shape",
    [
        Shape("batch", "bare", 2_500),
        Shape("batch", "bare", 2_500, header=1_024),
        Shape("batch", "value", 1, value="lists", size=199_000),
        Shape("batch", "value", 1, value="objects", size=400_000),
        Shape("batch", "unknown", 2_500, place="", header=1_024),
        Shape("batch", "track", 2_500, place="shared", value="text", size=400),
        Shape("batch", "track", 2_500, place="shared", value="text", size=30_000),
        Shape("batch", "unknown", 1_170, place="shared", value="deep and wide", size=609),
        Shape("batch", "identify", 100, place="traits", value="ones", size=900),
        Shape("batch", "identify", 20, place="context", value="traits", size=900),
        Shape("batch", "identify", 8, place="traits", value="mails", size=2_900),
        Shape("batch", "track", 100, value="wide text", size=2_000),
        Shape("batch", "track", 60, value="escapes", size=4_000),
        Shape("batch", "track", 1, value="nan", size=60_000),
        Shape("batch", "track", 1, value="surrogate", size=400_000),
        Shape("batch", "track", 1, value="cut short", size=100_000),
        Shape("single", "track", 1, value="doubles", size=60_000),
        Shape("single", "track", 1, value="deep and wide", size=190_000),
        Shape("single", "track", 1, value="digits", size=400_000),
        Shape("single", "identify", 1, place="traits", value="traits", size=2_300),
        Shape("snowplow", "track", 11, value="lists", size=20_000),
        Shape("snowplow", "bare", 2_500),
        Shape("logs", "track", 600, place="shared", value="text", size=8_000),
        Shape("logs", "track", 2_500),
        Shape("protobuf", "track", 512, value="keys", size=20),
        Shape("protobuf", "track", 1, value="lists", size=100_000),
        Shape("single", "identify", 1, place="traits", value="mails", size=2_900),
        Shape("single", "track", 1, value="mails", size=380),
        Shape("single", "track", 1, value="mails", size=3_600),
        Shape("pixel", "bare", 1, size=900),
    ],
    ids=lambda shape: f"{shape.path} {shape.item} {shape.place} {shape.value}",
)
def test_a_dear_request(scales: Scales, shape: Shape) -> None:
    """No body blocks its worker for long, or takes much memory, or disk beyond its own bytes."""
    cost = scales.weigh(request_of(shape))
    assert cost.status in {200, 400, 413}
    assert cost.blocked_ms < _BLOCKED_MS
    assert cost.memory_mb < _MEMORY_MB
    assert cost.disk_ratio < _DISK
