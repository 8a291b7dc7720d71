"""Which variant a unit gets: deterministic, and the same as GrowthBook's published hash.

Source: GrowthBook, "Build your own SDK", specification 0.8.0 (hash, getBucketRange,
chooseVariation).
"""

from collections.abc import Sequence

from funnelhouse.schemas.experiments import Experiment

Range = tuple[float, float]
_OFFSET, _PRIME, _WORD = 0x811C9DC5, 0x01000193, 0xFFFFFFFF
_CLOSE = 0.01


def fnv1a(text: str) -> int:
    """Hash a text's UTF-8 bytes to 32 bits (Fowler, Noll and Vo, variant 1a)."""
    value = _OFFSET
    for byte in text.encode():
        value = ((value ^ byte) * _PRIME) & _WORD
    return value


def bucket(seed: str, unit: str) -> float:
    """Place a unit in [0, 1) by hash version 2: two rounds, which leave no bias between seeds."""
    return fnv1a(str(fnv1a(seed + unit))) % 10_000 / 10_000


def ranges(count: int, traffic: float, weights: Sequence[float] | None = None) -> list[Range]:
    """Give the buckets [low, high) of each variant: `traffic` of its share, from the low end.

    Weights of another number than the variants, or that do not add up to 1, become even ones.
    """
    share = min(max(traffic, 0.0), 1.0)
    even = [1 / count] * count
    given = list(weights) if weights is not None and len(weights) == count else even
    if not 1 - _CLOSE <= sum(given) <= 1 + _CLOSE:
        given = even
    lows = [sum(given[:index]) for index in range(count)]
    return [(low, low + share * weight) for low, weight in zip(lows, given, strict=True)]


def chosen(place: float, among: Sequence[Range]) -> int:
    """Give the number of the range that a bucket lies in, -1 for none."""
    return next((n for n, (low, high) in enumerate(among) if low <= place < high), -1)


def assigned(experiment: Experiment, unit: str) -> str | None:
    """Name the variant of a unit; None when it takes no part."""
    weights = [variant.weight for variant in experiment.variants]
    among = ranges(len(weights), experiment.traffic, weights)
    number = chosen(bucket(experiment.seed, unit), among) if unit else -1
    return None if number < 0 else experiment.variants[number].variant
