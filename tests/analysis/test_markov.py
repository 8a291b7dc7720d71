"""Removal effects: a published chain, ones worked by hand, random ones against a walk."""

from collections import Counter, defaultdict
from itertools import pairwise
from random import Random

import pytest

from funnelhouse.analysis.markov import CONVERSION, NONE, START, removal_effects

Journey = tuple[tuple[str, ...], str]
ROUNDS = 400


def steps(*journeys: Journey) -> Counter[tuple[str, str]]:
    """Count the steps of journeys, each the channels in order and the end."""
    return Counter(step for channels, end in journeys for step in pairwise((START, *channels, end)))


def test_the_published_example() -> None:
    """By C1, C2, C3 one bought, by C1 and C2, C3 none: without C1 half is lost, else all.

    Source: Bryl, "Attribution model with R, part 1: Markov chains concept", 2016.
    """
    found = removal_effects(
        steps((("C1", "C2", "C3"), CONVERSION), (("C1",), NONE), (("C2", "C3"), NONE))
    )
    assert found == {
        "C1": pytest.approx(0.5),
        "C2": pytest.approx(1),
        "C3": pytest.approx(1),
    }


def test_a_channel_beside_another() -> None:
    """Of one conversion by each of two channels, either one's removal loses half."""
    found = removal_effects(steps((("a",), CONVERSION), (("b",), CONVERSION), (("c",), NONE)))
    assert found == {"a": pytest.approx(0.5), "b": pytest.approx(0.5), "c": pytest.approx(0)}


def test_a_channel_that_follows_itself() -> None:
    """One journey a, a converts, one b, a does not: without b half is lost, without a all.

    From a: 1/3 a, 1/3 conversion, 1/3 none, so 1/2 of those who come to a convert; without b the
    half that begins there is gone.
    """
    found = removal_effects(steps((("a", "a"), CONVERSION), (("b", "a"), NONE)))
    assert found == {"a": pytest.approx(1), "b": pytest.approx(0.5)}


@pytest.mark.parametrize("journeys", [[], [(("a",), NONE)]])
def test_without_conversions_there_is_nothing_to_lose(journeys: list[Journey]) -> None:
    """No journey that converts gives no effects, and no division by zero."""
    assert removal_effects(steps(*journeys)) == {}


def walked(counted: Counter[tuple[str, str]], removed: str) -> float:
    """Send one unit of journeys along the steps, round by round, and count what converts."""
    totals: Counter[str] = Counter()
    for (here, _), count in counted.items():
        totals[here] += count
    standing, converted = {START: 1.0}, 0.0
    for _ in range(ROUNDS):
        following: dict[str, float] = defaultdict(float)
        for (here, there), count in counted.items():
            following[there] += standing.get(here, 0.0) * count / totals[here]
        converted += following.pop(CONVERSION, 0.0)
        standing = {
            state: share for state, share in following.items() if state not in {NONE, removed}
        }
    return converted


@pytest.mark.parametrize("seed", range(20))
def test_random_journeys_agree_with_a_walk(seed: int) -> None:
    """Each effect is the share of a walk's conversions that the same walk without it loses."""
    random = Random(seed)
    journeys = [
        (
            tuple(random.choices("abcde", k=random.randint(1, 6))),
            random.choice([CONVERSION, NONE]),
        )
        for _ in range(30)
    ]
    counted = steps(*journeys)
    whole = walked(counted, removed="")
    found = removal_effects(counted)
    assert set(found) == {channel for channels, _ in journeys for channel in channels}
    for channel, effect in found.items():
        assert effect == pytest.approx(1 - walked(counted, channel) / whole, abs=1e-9)
