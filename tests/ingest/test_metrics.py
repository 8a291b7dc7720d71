import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from funnelhouse.ingest.log.depth import Depth
from funnelhouse.ingest.metrics import (
    LoaderSnapshot,
    SnapshotCollector,
    WorkerMetrics,
    read_snapshot,
    write_snapshot,
)

LABELS = ("source", "outcome", "status", "le")


def scrape(run_folder: Path) -> dict[tuple[str, ...], float]:
    registry = CollectorRegistry()
    registry.register(SnapshotCollector(run_folder, lambda: Depth(4_096, 3, 1.5, 2)))
    text = generate_latest(registry).decode()
    return {
        (
            sample.name,
            *(sample.labels[name] for name in LABELS if name in sample.labels),
        ): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def worker(run_folder: Path, slot: int, loaded: int) -> WorkerMetrics:
    metrics = WorkerMetrics(run_folder, slot)
    metrics.count("web", "accepted", loaded)
    metrics.answered(200, 0.0007)
    assert metrics.publish()
    return metrics


def test_workers_are_summed(tmp_path: Path) -> None:
    """The metrics are the sums over all slots, by source and outcome, and by status."""
    worker(tmp_path, 0, 5)
    other = worker(tmp_path, 1, 7)
    other.count("backend", "rejected", 2)
    other.answered(400, 0.0007)
    other.publish()
    samples = scrape(tmp_path)
    assert samples["funnelhouse_events_total", "web", "accepted"] == 12
    assert samples["funnelhouse_events_total", "backend", "rejected"] == 2
    assert samples["funnelhouse_requests_total", "200"] == 2
    assert samples["funnelhouse_requests_total", "400"] == 1


def test_latency_is_a_cumulative_histogram(tmp_path: Path) -> None:
    """A bucket holds what took no longer than its bound, and the last holds everything."""
    metrics = WorkerMetrics(tmp_path, 0)
    for seconds in (0.0001, 0.001, 0.0011, 0.3, 60.0):
        metrics.answered(200, seconds)
    metrics.publish()
    samples = scrape(tmp_path)
    name = "funnelhouse_request_seconds"
    buckets = {bound: samples[f"{name}_bucket", bound] for bound in ("0.0005", "0.001", "0.0025")}
    assert buckets == {"0.0005": 1, "0.001": 2, "0.0025": 3}
    assert samples[f"{name}_bucket", "0.25"] == 3
    assert samples[f"{name}_bucket", "0.5"] == 4
    assert samples[f"{name}_bucket", "2.5"] == 4
    assert samples[f"{name}_bucket", "+Inf"] == samples[f"{name}_count",] == 5
    assert samples[f"{name}_sum",] == pytest.approx(60.3022)


def test_restarted_worker_goes_on_from_its_snapshot(tmp_path: Path) -> None:
    """The totals of a slot never fall when its worker is replaced."""
    worker(tmp_path, 0, 5)
    worker(tmp_path, 0, 1)
    samples = scrape(tmp_path)
    assert samples["funnelhouse_events_total", "web", "accepted"] == 6
    assert samples["funnelhouse_requests_total", "200"] == 2
    assert samples["funnelhouse_request_seconds_count",] == 2
    assert samples["funnelhouse_request_seconds_sum",] == pytest.approx(0.0014)


def test_counts_show_when_they_are_published(tmp_path: Path) -> None:
    """What was counted since the last snapshot is seen with the next."""
    metrics = worker(tmp_path, 0, 5)
    metrics.count("web", "accepted", 1)
    assert scrape(tmp_path)["funnelhouse_events_total", "web", "accepted"] == 5
    metrics.publish()
    assert scrape(tmp_path)["funnelhouse_events_total", "web", "accepted"] == 6


def test_snapshot_that_cannot_be_written_leaves_the_last(tmp_path: Path) -> None:
    """A disk that refuses the new snapshot costs neither the worker nor the old snapshot."""
    metrics = worker(tmp_path, 0, 5)
    (tmp_path / "collector-0.new").mkdir()
    metrics.count("web", "accepted", 1)
    assert not metrics.publish()
    assert scrape(tmp_path)["funnelhouse_events_total", "web", "accepted"] == 5


def test_published_snapshot_replaces_the_name(tmp_path: Path) -> None:
    """A reader that has the old snapshot open still reads all of it."""
    metrics = worker(tmp_path, 0, 5)
    with (tmp_path / "collector-0.json").open() as reader:
        metrics.count("web", "accepted", 1)
        metrics.publish()
        assert json.load(reader)["events"] == [["web", "accepted", 5]]


def test_no_run_folder_is_no_fault(tmp_path: Path) -> None:
    """Metrics are asked for before any worker has published: the histogram is empty."""
    samples = scrape(tmp_path / "absent")
    assert samples["funnelhouse_request_seconds_count",] == 0
    assert samples["funnelhouse_spool_bytes",] == 4_096


def test_spool_is_measured_at_the_scrape(tmp_path: Path) -> None:
    """Bytes, segments and age of the spool come from the callable given."""
    samples = scrape(tmp_path)
    assert samples["funnelhouse_spool_bytes",] == 4_096
    assert samples["funnelhouse_spool_segments",] == 3
    assert samples["funnelhouse_spool_oldest_seconds",] == 1.5
    assert samples["funnelhouse_spool_damaged",] == 2


def test_loader_tells_its_lag(tmp_path: Path) -> None:
    """Lag, rows by outcome and retries of the loader come from its snapshot."""
    assert write_snapshot(tmp_path / "loader.json", LoaderSnapshot(2.5, 90, 3, 4, "refused"))
    samples = scrape(tmp_path)
    assert samples["funnelhouse_loader_lag_seconds",] == 2.5
    assert samples["funnelhouse_loader_rows_total", "loaded"] == 90
    assert samples["funnelhouse_loader_rows_total", "refused"] == 3
    assert samples["funnelhouse_loader_retries_total",] == 4


def test_loader_without_snapshot_has_no_lag(tmp_path: Path) -> None:
    """An unknown lag is left out rather than shown as none."""
    assert not any("loader" in name for name, *_ in scrape(tmp_path))


def test_snapshot_is_read_back(tmp_path: Path) -> None:
    """What was written is read back as it was, for the status command too."""
    snapshot = LoaderSnapshot(2.5, 90, 3, 4, "disk full")
    write_snapshot(tmp_path / "loader.json", snapshot)
    assert read_snapshot(tmp_path / "loader.json", LoaderSnapshot) == snapshot


WHOLE = b'{"events":[["web","accepted",1]],"requests":{"200":1},"buckets":[%s],"seconds":0.1}'
BUCKETS = b",".join([b"0"] * 13)
DAMAGED = [
    b"",
    b"null",
    b"\xff\xfe",
    b'{"other":' + b"[" * 100_000,
    (WHOLE % BUCKETS)[:-1],
    WHOLE % BUCKETS + b"}",
    WHOLE % b"0,0",
    (WHOLE % BUCKETS).replace(b'"accepted",1', b'"accepted",-1'),
    (WHOLE % BUCKETS).replace(b'"accepted",1', b'"accepted"'),
    (WHOLE % BUCKETS).replace(b'"200"', b'"ok"'),
    (WHOLE % BUCKETS).replace(b"0.1", b"-0.1"),
    (WHOLE % BUCKETS).replace(b"0.1", b"1e999"),
]


def test_whole_snapshot_is_read(tmp_path: Path) -> None:
    """The text that the damaged examples are made from is itself a snapshot."""
    (tmp_path / "collector-0.json").write_bytes(WHOLE % BUCKETS)
    assert scrape(tmp_path)["funnelhouse_events_total", "web", "accepted"] == 1


@pytest.mark.parametrize("damage", DAMAGED)
def test_damaged_snapshot_is_left_out(tmp_path: Path, damage: bytes) -> None:
    """A file that is no snapshot is skipped, the other workers are still summed."""
    worker(tmp_path, 0, 5)
    (tmp_path / "collector-1.json").write_bytes(damage)
    (tmp_path / "loader.json").write_bytes(damage)
    assert scrape(tmp_path)["funnelhouse_events_total", "web", "accepted"] == 5
    assert worker(tmp_path, 1, 2).publish()
    assert scrape(tmp_path)["funnelhouse_events_total", "web", "accepted"] == 7


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary())
def test_any_bytes_are_no_fault(tmp_path: Path, content: bytes) -> None:
    """Whatever lies in the run folder, the metrics answer."""
    (tmp_path / "collector-0.json").write_bytes(content)
    assert scrape(tmp_path)["funnelhouse_spool_segments",] == 3
