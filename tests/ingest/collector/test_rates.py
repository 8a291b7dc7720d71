"""Rates of a key: buckets of events and of bytes, by a clock that the test moves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from funnelhouse.ingest.collector.rates import RateLimiter, Rates


def test_bucket_takes_a_burst_and_then_the_rate() -> None:
    """A full bucket gives its burst at once, then one event for each tenth of a second."""
    now = [1_000.0]
    limiter = RateLimiter(10, 5, lambda: now[0])
    assert [limiter.wait_s("k", 1) for _ in range(5)] == [0.0] * 5
    assert limiter.wait_s("k", 1) == pytest.approx(0.1)
    now[0] += 0.1
    assert limiter.wait_s("k", 1) == 0.0
    assert limiter.wait_s("k", 2) == pytest.approx(0.2)


def test_refused_events_take_nothing() -> None:
    """Asking again and again does not push the moment of admission away."""
    limiter = RateLimiter(10, 5, lambda: 0.0)
    limiter.wait_s("k", 5)
    assert [limiter.wait_s("k", 3) for _ in range(4)] == [pytest.approx(0.3)] * 4


def test_idle_bucket_holds_no_more_than_its_burst() -> None:
    """An hour of silence saves up the burst and no more."""
    now = [1_000.0]
    limiter = RateLimiter(10, 5, lambda: now[0])
    limiter.wait_s("k", 1)
    now[0] += 3_600
    assert limiter.wait_s("k", 5) == 0.0
    assert limiter.wait_s("k", 1) == pytest.approx(0.1)


def test_batch_over_the_burst_passes_a_full_bucket_into_debt() -> None:
    """A batch of twenty passes a bucket of five, and the debt of fifteen is waited for."""
    now = [1_000.0]
    limiter = RateLimiter(10, 5, lambda: now[0])
    assert limiter.wait_s("k", 20) == 0.0
    assert limiter.wait_s("k", 1) == pytest.approx(1.6)
    assert limiter.wait_s("k", 20) == pytest.approx(2.0)
    now[0] += 2.0
    assert limiter.wait_s("k", 20) == 0.0


def test_each_key_has_its_own_bucket() -> None:
    """One key that is out of tokens does not hold up another."""
    limiter = RateLimiter(1, 1, lambda: 0.0)
    assert limiter.wait_s("a", 1) == 0.0
    assert limiter.wait_s("a", 1) > 0.0
    assert limiter.wait_s("b", 1) == 0.0


def test_zero_is_unlimited() -> None:
    """A rate of zero never waits."""
    limiter = RateLimiter(0, 0, lambda: 0.0)
    assert [limiter.wait_s("k", 1_000_000) for _ in range(3)] == [0.0] * 3


@given(
    rate=st.floats(0.01, 1e6),
    burst=st.integers(1, 10_000),
    steps=st.lists(st.tuples(st.integers(0, 20_000), st.floats(0, 100)), max_size=30),
)
def test_waiting_as_told_is_enough_and_the_rate_holds(
    rate: float, burst: int, steps: list[tuple[int, float]]
) -> None:
    """After the wait it was told a caller is let in, and never more than rate, burst and debt."""
    now = [1_000.0]
    limiter = RateLimiter(rate, burst, lambda: now[0])
    start = now[0]
    taken = largest = 0
    for events, pause in steps:
        now[0] += pause
        now[0] += limiter.wait_s("k", 0)
        wait = limiter.wait_s("k", events)
        if wait:
            now[0] += wait
            assert limiter.wait_s("k", events) == 0.0
        taken += events
        largest = max(largest, events)
        allowed = max(burst, largest) + rate * (now[0] - start + 1e-3)
        assert taken <= allowed * (1 + 1e-9)


def test_both_rates_hold() -> None:
    """A request waits for whichever of its events and bytes has to wait longer to be let in."""
    rates = Rates(RateLimiter(10, 5, lambda: 0.0), RateLimiter(100, 50, lambda: 0.0))
    assert rates.wait_s("k", 2, 20) == 0.0
    assert rates.wait_s("k", 1, 40) == pytest.approx(0.1)
    assert rates.wait_s("k", 4, 10) == pytest.approx(0.1)


def test_refused_bytes_take_no_events() -> None:
    """What the rate of bytes refuses leaves all events to others of the key."""
    rates = Rates(RateLimiter(10, 5, lambda: 0.0), RateLimiter(100, 50, lambda: 0.0))
    rates.wait_s("k", 1, 50)
    assert [rates.wait_s("k", 4, 10) for _ in range(3)] == [pytest.approx(0.1)] * 3
    assert rates.wait_s("k", 4, 0) == 0.0
