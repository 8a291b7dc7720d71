"""Bucketing against GrowthBook's published answers, and against its own promises."""

import os
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest

from funnelhouse.analysis.bucketing import assigned, bucket, chosen, fnv1a, ranges
from tests.analysis.plans import experiment

DATA = Path(os.environ.get("FUNNELHOUSE_TEST_DATA") or "../shared/data")
CASES = DATA / "bucketing_cases.json"
published = pytest.mark.skipif(not CASES.exists(), reason="the published answers are not here")


@cache
def cases(function: str) -> list[Any]:
    """Read the published answers of a function."""
    found: list[Any] = orjson.loads(CASES.read_bytes())[function]
    return found


@pytest.mark.parametrize(
    ("text", "value"), [("", 0x811C9DC5), ("a", 0xE40C292C), ("foobar", 0xBF9CF968)]
)
def test_fnv1a_has_its_authors_answers(text: str, value: int) -> None:
    """The test vectors of the hash's authors come out."""
    assert fnv1a(text) == value


@pytest.mark.parametrize(
    ("seed", "unit", "place"),
    [("seed", "a", 0.0505), ("seed", "b", 0.2696), ("foo", "ab", 0.2575)],
)
def test_bucket_is_hash_version_2(seed: str, unit: str, place: float) -> None:
    """Some of the published answers stand here too, for whoever has not the file."""
    assert bucket(seed, unit) == place


@published
def test_every_published_hash() -> None:
    """Each answer of version 2 is ours."""
    of_two = [case for case in cases("hash") if case[2] == 2]
    assert len(of_two) == 7
    assert [bucket(seed, unit) for seed, unit, *_ in of_two] == [case[3] for case in of_two]


@published
def test_every_published_range() -> None:
    """Weights, coverage and their faults give the published ranges."""
    for name, (count, coverage, weights), expected in cases("getBucketRange"):
        found = ranges(count, coverage, weights)
        assert [tuple(map(pytest.approx, one)) for one in expected] == found, name


@published
def test_every_published_choice() -> None:
    """Each bucket lies in the published range, or in none."""
    for name, place, among, expected in cases("chooseVariation"):
        assert chosen(place, among) == expected, name


def test_shares_of_units_are_the_planned_ones() -> None:
    """Of 20,000 units a tenth takes part, three and seven tenths of these in each variant."""
    plan = experiment(traffic=0.1, variants=[("a", 0.3), ("b", 0.7)])
    counted = Counter(assigned(plan, f"unit-{number}") for number in range(20_000))
    assert counted["a"] / 20_000 == pytest.approx(0.03, abs=0.005)
    assert counted["b"] / 20_000 == pytest.approx(0.07, abs=0.007)


def test_more_traffic_moves_nobody() -> None:
    """Whoever took part at 10 % has the same variant at 50 %."""
    small = experiment(traffic=0.1, variants=[("a", 0.5), ("b", 0.5)])
    large = experiment(traffic=0.5, variants=[("a", 0.5), ("b", 0.5)])
    units = [f"unit-{number}" for number in range(5_000)]
    kept = [unit for unit in units if assigned(small, unit) is not None]
    assert kept
    assert [assigned(large, unit) for unit in kept] == [assigned(small, unit) for unit in kept]


def test_no_id_takes_no_part() -> None:
    """A unit without an id is assigned nothing."""
    assert assigned(experiment(), "") is None
