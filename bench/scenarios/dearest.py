"""Searches for the dearest request: the one that blocks others, fills memory or disk the most."""

import random
from collections.abc import Callable, Iterator

from bench.bodies import Shape, any_shape, changed, request_of
from bench.cost import Cost, Scales
from bench.figures import Figure
from bench.plan import RunPlan

_HELD = 8
_FIRST = 60
_STEPS_A_SECOND = 10

AIMS: dict[str, tuple[str, Callable[[Cost], float]]] = {
    "blocked": ("ms", lambda cost: cost.blocked_ms),
    "memory": ("MB", lambda cost: cost.memory_mb),
    "disk": ("bytes/byte", lambda cost: cost.disk_ratio),
}
"""What is searched for: its unit, and how a cost is measured by it."""


def measure(plan: RunPlan) -> Iterator[Figure]:
    """Search for each aim by itself; steps go by `--seconds`, `--repeat` searches start anew."""
    scales = Scales(plan.fresh("dearest"))
    steps = int(plan.seconds * _STEPS_A_SECOND)
    for aim, (unit, value) in AIMS.items():
        found = []
        for seed in range(plan.repeat):
            plan.say(f"dearest request by {aim}, search {seed + 1} of {plan.repeat}")
            shape, cost = search(scales, value, steps, random.Random(seed))
            plan.say(f"dearest by {aim}: {value(cost):.2f} {unit}, {cost}, {shape}")
            found.append(value(cost))
        yield Figure("collector", f"dearest request: {aim}", unit, tuple(found))


def search(
    scales: Scales, value: Callable[[Cost], float], steps: int, dice: random.Random
) -> tuple[Shape, Cost]:
    """Hold the dearest few shapes, and change one of them again and again."""
    held: list[tuple[float, Shape, Cost]] = []
    for step in range(_FIRST + steps):
        shape = any_shape(dice) if step < _FIRST else changed(dice.choice(held)[1], dice)
        cost = scales.weigh(request_of(shape))
        held.append((value(cost), shape, cost))
        held.sort(key=lambda entry: -entry[0])
        del held[_HELD:]
    return held[0][1], held[0][2]
