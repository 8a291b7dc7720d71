"""Counters of one worker, and the Prometheus view over the counters of all.

A worker counts in plain integers and publishes its totals to a file; whichever worker is asked
for the metrics sums the files.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from funnelhouse.ingest.log.depth import Depth

LATENCY_BOUNDS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
"""Upper bounds of the latency buckets in seconds; one more bucket takes what is slower."""

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_BUCKETS = len(LATENCY_BOUNDS_S) + 1
Snapshot = TypeVar("Snapshot", bound=msgspec.Struct)
_Count = Annotated[int, msgspec.Meta(ge=0)]
_Seconds = Annotated[float, msgspec.Meta(ge=0)]


class CollectorSnapshot(msgspec.Struct):
    """Totals of one worker slot since its first start, as `collector-<slot>.json` holds them."""

    events: list[tuple[str, str, _Count]]
    requests: dict[int, _Count]
    buckets: Annotated[list[_Count], msgspec.Meta(min_length=_BUCKETS, max_length=_BUCKETS)]
    seconds: _Seconds
    redactions: list[tuple[str, str, _Count]] = []


class LoaderSnapshot(msgspec.Struct):
    """How the loader is doing, as `loader.json` holds it; `lag_s` in seconds."""

    lag_s: _Seconds
    loaded_rows_total: _Count
    refused_rows_total: _Count
    retries_total: _Count
    last_error: str = ""


class VerificationSnapshot(msgspec.Struct):
    """The last verification, as `verification.json` holds it; `at` in seconds since the epoch.

    `kept_after` tells of each kind of rows the last day of which retention may have dropped some.
    """

    at: _Seconds
    findings: list[str]
    seconds: _Seconds
    kept_after: dict[str, str] = {}


class WorkerMetrics:
    """Totals of one worker, which go on from the last snapshot of its slot."""

    def __init__(self, run_folder: Path, slot: int) -> None:
        self._path = run_folder / f"collector-{slot}.json"
        last = read_snapshot(self._path, CollectorSnapshot) or _nothing()
        self._events = defaultdict[tuple[str, str], int](int)
        self._events.update({(source, outcome): n for source, outcome, n in last.events})
        self._redactions = defaultdict[tuple[str, str], int](int)
        self._redactions.update({(source, kind): n for source, kind, n in last.redactions})
        self._requests = defaultdict[int, int](int, last.requests)
        self._buckets = last.buckets
        self._seconds = last.seconds

    def count(self, source: str, outcome: str, n: int = 1) -> None:
        """Count `n` events of a source that ended in an outcome."""
        self._events[source, outcome] += n

    def redacted(self, source: str, kind: str, n: int) -> None:
        """Count `n` replacements of one kind of personal data in what a source sent."""
        self._redactions[source, kind] += n

    def answered(self, status: int, seconds: float) -> None:
        """Count a request by its HTTP status and the time that it took."""
        self._requests[status] += 1
        self._buckets[bisect_left(LATENCY_BOUNDS_S, seconds)] += 1
        self._seconds += seconds

    def publish(self) -> bool:
        """Write the totals for the other workers to read; False when the disk does not take it.

        Called about once a second: a killed worker forgets what it counted since, no more.
        """
        events = [(source, outcome, n) for (source, outcome), n in self._events.items()]
        redactions = [(source, kind, n) for (source, kind), n in self._redactions.items()]
        snapshot = CollectorSnapshot(
            events, self._requests, self._buckets, self._seconds, redactions
        )
        return write_snapshot(self._path, snapshot)


def _nothing() -> CollectorSnapshot:
    return CollectorSnapshot([], {}, [0] * _BUCKETS, 0.0)


def write_snapshot(path: Path, snapshot: msgspec.Struct) -> bool:
    """Put a snapshot in place as a whole; False when the disk does not take it.

    Not synced: after a power cut counters start anew, which Prometheus knows how to read.
    """
    fresh = path.with_suffix(".new")
    try:
        fresh.write_bytes(msgspec.json.encode(snapshot))
        fresh.replace(path)
    except OSError:
        return False
    return True


def read_snapshot(path: Path, kind: type[Snapshot]) -> Snapshot | None:
    """Read a snapshot back; None when it is absent or damaged."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, ValueError, RecursionError):
        return None


def exposition(metrics: Collector) -> Callable[[], bytes]:
    """Give what answers a scrape with these metrics, in the type METRICS_TYPE."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(metrics)
    return lambda: generate_latest(registry)


class WarehouseCollector(Collector):
    """Prometheus metrics of the spool and the loader; `depth` measures the spool."""

    def __init__(self, run_folder: Path, depth: Callable[[], Depth]) -> None:
        self._run_folder = run_folder
        self._depth = depth

    def collect(self) -> Iterator[Metric]:
        """Look at the folder and read the loader's file anew at each scrape."""
        yield from _spool(self._depth())
        loader = read_snapshot(self._run_folder / "loader.json", LoaderSnapshot)
        if loader:
            yield from _loader(loader)
        yield from _verification(
            read_snapshot(self._run_folder / "verification.json", VerificationSnapshot)
        )


class SnapshotCollector(Collector):
    """Prometheus metrics summed over the snapshots of all worker slots, for `generate_latest`.

    `depth` measures the spool.
    """

    def __init__(self, run_folder: Path, depth: Callable[[], Depth]) -> None:
        self._run_folder = run_folder
        self._depth = depth

    def collect(self) -> Iterator[Metric]:
        """Read the files anew at each scrape; a damaged or absent one is left out."""
        paths = self._run_folder.glob("collector-*.json")
        workers = [worker for path in paths if (worker := read_snapshot(path, CollectorSnapshot))]
        yield _events(workers)
        yield _redactions(workers)
        yield _requests(workers)
        yield _request_seconds(workers)
        yield from WarehouseCollector(self._run_folder, self._depth).collect()


def _events(workers: Iterable[CollectorSnapshot]) -> Metric:
    totals = defaultdict[tuple[str, str], int](int)
    for worker in workers:
        for source, outcome, n in worker.events:
            totals[source, outcome] += n
    metric = CounterMetricFamily(
        "funnelhouse_events", "Events received.", labels=("source", "outcome")
    )
    for labels, total in sorted(totals.items()):
        metric.add_metric(labels, total)
    return metric


def _redactions(workers: Iterable[CollectorSnapshot]) -> Metric:
    totals = defaultdict[tuple[str, str], int](int)
    for worker in workers:
        for source, kind, n in worker.redactions:
            totals[source, kind] += n
    metric = CounterMetricFamily(
        "funnelhouse_redactions",
        "Pieces of personal data replaced by hashes, and write keys cut out.",
        labels=("source", "kind"),
    )
    for labels, total in sorted(totals.items()):
        metric.add_metric(labels, total)
    return metric


def _requests(workers: Iterable[CollectorSnapshot]) -> Metric:
    totals = defaultdict[int, int](int)
    for worker in workers:
        for status, n in worker.requests.items():
            totals[status] += n
    metric = CounterMetricFamily("funnelhouse_requests", "Requests answered.", labels=("status",))
    for status, total in sorted(totals.items()):
        metric.add_metric((str(status),), total)
    return metric


def _request_seconds(workers: list[CollectorSnapshot]) -> Metric:
    bounds = (*map(str, LATENCY_BOUNDS_S), "+Inf")
    counts = [sum(counts) for counts in zip(*(worker.buckets for worker in workers), strict=True)]
    return HistogramMetricFamily(
        "funnelhouse_request_seconds",
        "Time from the first byte of a request to its answer.",
        buckets=list(zip(bounds, accumulate(counts or [0] * _BUCKETS), strict=True)),
        sum_value=sum(worker.seconds for worker in workers),
    )


def _spool(depth: Depth) -> Iterator[Metric]:
    for name, meaning, value in (
        ("bytes", "Bytes in the spool.", depth.bytes),
        ("segments", "Segments in the spool.", depth.segments),
        ("oldest_seconds", "Age of the oldest segment in the spool.", depth.oldest_age_s),
        ("damaged", "Damaged pieces of segments, set aside.", depth.damaged),
    ):
        yield GaugeMetricFamily(f"funnelhouse_spool_{name}", meaning, value)


def _verification(last: VerificationSnapshot | None) -> Iterator[Metric]:
    findings, at = (len(last.findings), last.at) if last else (0, 0.0)
    yield GaugeMetricFamily(
        "funnelhouse_verification_findings", "Faults that the last verification found.", findings
    )
    yield GaugeMetricFamily(
        "funnelhouse_verification_timestamp_seconds", "When it was, 0 for never.", at
    )


def _loader(loader: LoaderSnapshot) -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "funnelhouse_loader_lag_seconds", "How far the warehouse is behind.", loader.lag_s
    )
    rows = CounterMetricFamily("funnelhouse_loader_rows", "Rows loaded.", labels=("outcome",))
    rows.add_metric(("loaded",), loader.loaded_rows_total)
    rows.add_metric(("refused",), loader.refused_rows_total)
    yield rows
    yield CounterMetricFamily(
        "funnelhouse_loader_retries", "Inserts tried again.", loader.retries_total
    )
