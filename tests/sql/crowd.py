"""A crowd of random people on two funnels, for tests that count them over in Python."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.conftest import PreparedWarehouse
from tests.sql.history import READS, SEOUL, Road, Told, bring, rule
from tests.sql.reference import Entry, Reached, entries, journeys, with_dimensions
from tests.sql.reference_people import People, Person

SEEDS = (1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (2, 3)))
REASON = READS | {"detail": "reason"}
SECOND: dict[str, Any] = {"funnel_version": 2}
TOUR: dict[str, Any] = {"funnel": "tour"}
ALWAYS: dict[str, Any] = {"kind": "measure", "reenter": "always"}
RULES = (
    rule(1, "applied"),
    rule(2, "passed"),
    rule(3, "joined", reenter="daily"),
    rule(4, "withdrawn", kind="withdrawn", reads=REASON),
    rule(5, "failed", kind="rejected"),
    rule(6, "paid", reenter="always"),
    rule(0, "inquiry", "asked", **ALWAYS),
    # the second version begins elsewhere, may begin again, and leaves out who gave up
    rule(1, "passed", reenter="always", **SECOND),
    rule(2, "joined", **SECOND),
    rule(3, "withdrawn", kind="withdrawn", reads=REASON, **SECOND),
    rule(
        0, "excluded", "failed", kind="excluded", conditions=[("reason", "is", ['"x"'])], **SECOND
    ),
    rule(1, "joined", role="start", **TOUR),
    rule(2, "used", role="value", **TOUR),
    rule(
        3,
        "used_core",
        "used",
        role="activation",
        within_days=7,
        conditions=[("core", "is", ["true"])],
        **TOUR,
    ),
    rule(4, "paid", role="completion", **TOUR),
    rule(0, "activity", "used", kind="measure", reenter="daily", **TOUR),
    rule(0, "activity", "applied", kind="measure", reenter="daily", **TOUR),
    rule(0, "feature", "used", reads=READS | {"detail": "feature"}, **ALWAYS, **TOUR),
    rule(
        0, "effort", "rated", reads=READS | {"detail": "step", "amount": "score"}, **ALWAYS, **TOUR
    ),
    rule(0, "ticket", "asked", **ALWAYS, **TOUR),
)
INTAKES = (
    ("course", 1, "kotlin", "6", date(2024, 8, 5), date(2024, 8, 18)),
    ("course", 1, "", "7", date(2024, 8, 1), date(2024, 8, 31)),
    ("course", 2, "", "6", date(2024, 7, 1), date(2024, 8, 20)),
)
CHANNELS = {
    "direct": {},
    "paid_search": {"utm_source": "naver", "utm_medium": "cpc"},
    "email": {"utm_source": "sun", "utm_medium": "email"},
}
NAMES = (
    *("applied", "applied", "passed", "passed", "joined", "joined", "used", "used", "used"),
    *("paid", "asked", "rated", "withdrawn", "failed"),
)  # fmt: skip
FIRST = datetime.fromisoformat("2024-07-29 00:00:00")
"""A Monday; everything happens within the six weeks from it on."""


def channel(told: Told) -> str:
    """Give the channel that an event tells."""
    return next(name for name, query in CHANNELS.items() if query == told.query)


class Crowd:
    """All copies of events that a seed draws, and what Python makes of them."""

    def __init__(self, seed: int) -> None:
        random = Random(seed)
        events = [event for number in range(150) for event in _events(random, number)]
        copies = [*events, *random.sample(events, 60)]
        random.shuffle(copies)
        self.told = [
            Told(came=came, **(copy if came % 9 else copy | {"name": "passed"}))
            for came, copy in enumerate(copies)
        ]

    @cached_property
    def people(self) -> People:
        """Whose each event is."""
        return People(self.told)

    @cached_property
    def entries(self) -> list[Entry]:
        """Every entry of every version."""
        return entries(RULES, self.people, channel)

    @cached_property
    def journeys(self) -> dict[tuple[str, int, Person], list[Reached]]:
        """What each person reached, in order, with the dimensions told by then."""
        found = journeys(RULES, self.people)
        return {key: with_dimensions(reached, channel) for key, reached in found.items()}


def _events(random: Random, number: int) -> Iterator[dict[str, Any]]:
    """Draw what somebody does, at first under a device that another may use, too."""
    logs_in = random.randrange(6)
    for nth in range(random.randint(1, 9)):
        at = FIRST + timedelta(hours=random.randrange(42 * 24))
        yield {
            "id": 100 * number + nth + 1,
            "name": random.choice(NAMES),
            "at": str(at - random.choice([timedelta(0), timedelta(microseconds=1)])),
            "user": f"user-{number}" if nth >= logs_in else "",
            "anonymous": f"device-{number % 120}",
            "track": random.choice(["", "kotlin", "kotlin", "kotlin", "node"]),
            "cohort": random.choice(["", "6", "6", "7"]),
            "query": random.choice(list(CHANNELS.values())),
            "properties": {
                name: random.choice(values) for name, values in PROPERTIES if random.random() < 0.7
            },
        }


PROPERTIES = (
    ("occupation", ["student", "worker"]),
    ("card_holder", [True, False]),
    ("reason", ["x", "schedule", "money"]),
    ("feature", ["guide", "chat"]),
    ("core", [True, False]),
    ("score", [0, 1, 3, 7, 8]),
    ("step", ["first", "second"]),
)


def gathered(warehouse: PreparedWarehouse, folder: Path, seed: int, **others: Any) -> Crowd:
    """Load a crowd in three loads, the last one once more."""
    crowd = Crowd(seed)
    warehouse.empty()
    bring(warehouse.client, RULES, intakes=INTAKES, **others)
    loads = [crowd.told[start::3] for start in range(3)]
    Road(warehouse.place, folder).load([*loads, loads[-1]])
    return crowd


def day_of(time: int) -> date:
    """Give Seoul's day of a time in microseconds."""
    return datetime.fromtimestamp(time // 1_000_000, SEOUL).date()


def monday(day: date) -> date:
    """Give the first day of a day's week."""
    return day - timedelta(days=day.weekday())


def quantile(values: list[float], level: float) -> float:
    """Give a quantile between the two values next to it, as spreadsheets do."""
    ordered = sorted(values)
    place = level * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)
