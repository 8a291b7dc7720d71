"""Sizing: a day that is played keeps every event, and known demands get the known sizes."""

from itertools import pairwise

import pytest

from bench.scale import Costs, Demand, Machine, caught_up, play, size

HOUR_S = 3600.0


def test_an_outage_under_an_even_load_is_worked_off_as_reckoned_by_hand() -> None:
    """Four hours at 1,000/s wait as 14.4 million; what 3,000/s more than come in take 2 h."""
    demand = Demand(events_per_s=1_000, peak=1, outage_h=4)
    day = list(play(demand, loaded_per_s=3_000))
    assert max(minute.backlog for minute in day) == pytest.approx(4 * HOUR_S * 1_000)
    assert max(minute.lag_s for minute in day) == pytest.approx(4 * HOUR_S, abs=60)
    assert caught_up(day, demand) == pytest.approx(120, abs=1)


@pytest.mark.parametrize("peak", [1.0, 2.0, 3.0, 8.0])
def test_a_day_has_its_mean_and_its_peak(peak: float) -> None:
    """A loader that is always away is owed the mean of two days, and never more than the peak."""
    day = list(play(Demand(events_per_s=100, peak=peak, outage_h=0), loaded_per_s=0))
    came = [0.0, *(minute.backlog for minute in day)]
    rates = [(after - before) / 60 for before, after in pairwise(came)]
    assert came[-1] == pytest.approx(100 * 2 * 24 * HOUR_S, rel=1e-3)
    assert max(rates) == pytest.approx(100 * peak, rel=1e-3)


def test_no_outage_leaves_nothing_waiting() -> None:
    """Where the loader is faster than the peak, events wait for no minute."""
    demand = Demand(events_per_s=1_000, peak=3, outage_h=0)
    day = list(play(demand, loaded_per_s=3_000))
    assert max(minute.backlog for minute in day) == 0
    assert caught_up(day, demand) == 0


def test_sizes_of_a_known_demand() -> None:
    """60,000/s at the peak take one collector, one loader, and shards by processor time."""
    costs = Costs(collect_us=20, derive_us=5, warehouse_us=200, wall_us=15, stored_bytes=100)
    demand = Demand(events_per_s=20_000, peak=3, kept_days=10, queries_per_minute=60, query_cpu_s=1)
    found = size(demand, Machine(cores=5, price_a_month=10), costs)
    # 60,000/s take 1.2 cores of 3 to collect, 12 and one for queries in the warehouse
    assert (found.collectors, found.warehouses, found.shards, found.machines) == (1, 1, 5, 7)
    assert found.price_a_month == 70
    assert found.stored_gb_a_day == pytest.approx(20_000 * 86_400 * 100 / 1e9)


def test_disk_may_need_more_shards_than_processor_time() -> None:
    """A thousand days of a terabyte each fill more machines than their queries do."""
    costs = Costs(stored_bytes=1e12 / 86_400)
    found = size(Demand(events_per_s=1, kept_days=1_000), Machine(disk_gb=10_000), costs)
    assert found.shards == pytest.approx(1_000 / 6, abs=1)


def test_a_peak_beyond_one_loader_is_parted_among_warehouses() -> None:
    """A loader that takes 15 microseconds an event follows 66,666 events a second, not 66,700."""
    sizes = [
        size(Demand(events_per_s=rate, peak=1), Machine(), Costs(wall_us=15)).warehouses
        for rate in (66_666, 66_700)
    ]
    assert sizes == [1, 2]
