"""Stage entries by a plain reading of their view: all events at once, in Python.

Nothing of the product but the shape of its rules is used; tests hold the warehouse against it.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

import orjson

from funnelhouse.schemas.rules import StageRule
from tests.sql.history import Told
from tests.sql.reference_people import People, Person, time_of


class Hit(NamedTuple):
    """An event that reached a step, as the view `stage_hits` shows it."""

    funnel: str
    funnel_version: int
    person_id: str
    known: bool
    event_time: int
    stage_position: int
    source: str
    event_id: int
    session_id: str
    track: str


class Entry(NamedTuple):
    """An entry, as the view `stage_entries` shows it; times in microseconds."""

    funnel: str
    funnel_version: int
    product: str
    person_id: str
    known: bool
    stage_position: int
    stage: str
    track: str
    cohort: str
    source: str
    event_id: int
    kind: str
    entered_at: int
    segment: str
    card_holder: str
    channel: str
    detail: str
    cluster: str
    amount: Decimal | None
    started_at: int | None
    start_track: str
    start_cohort: str
    start_segment: str
    start_card_holder: str
    start_channel: str
    first_of_start: bool
    left_at: int | None
    left_stage: str
    repeated: bool


@dataclass(frozen=True, slots=True)
class Reached:
    """An event that reaches a stage, and the dimensions that its person has told by then."""

    rule: StageRule
    told: Told
    segment: str = ""
    card_holder: str = ""
    channel: str = ""

    def text(self, column: str) -> str:
        """Give a column as the event itself tells it."""
        return property_text(self.told, self.rule.reads.get(column, ""))

    @property
    def time(self) -> int:
        """Microseconds since the epoch."""
        return time_of(self.told)

    @property
    def place(self) -> tuple[int, str, int]:
        """Where it stands among its person's events."""
        return self.time, self.told.source, self.told.id

    @property
    def is_start(self) -> bool:
        """Whether it enters the first step."""
        return self.rule.kind == "step" and self.rule.stage_position == 1

    @property
    def sorting(self) -> tuple[str, str]:
        """Its track and intake."""
        return self.text("track"), self.text("cohort")

    def together(self, other: "Reached") -> bool:
        """Tell whether two are of one track and intake, as far as they tell it."""
        pairs = zip(self.sorting, other.sorting, strict=True)
        return all(mine == theirs or "" in {mine, theirs} for mine, theirs in pairs)

    def tells_more(self, other: "Reached") -> bool:
        """Tell whether this tells all of the other's track and intake, and more."""
        pairs = zip(self.sorting, other.sorting, strict=True)
        return self.sorting != other.sorting and all(
            mine == theirs or not theirs for mine, theirs in pairs
        )


def property_text(told: Told, name: str) -> str:
    """Give a property as a text, "" where there is none."""
    sorting = {"product": told.product, "track": told.track, "cohort": told.cohort}
    value = (sorting | told.properties).get(name)
    if value is None:
        return ""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def reaches(told: Told, rule: StageRule) -> bool:
    """Tell whether an event reaches a stage; of the operators `is` alone is known here."""
    return (
        told.name == rule.event_name
        and told.product == rule.product
        and "bot" not in told.agent
        and all(
            operator == "is" and orjson.loads(texts[0]) == told.properties.get(name)
            for name, operator, texts in rule.conditions
        )
    )


def journeys(
    rules: Sequence[StageRule], people: People
) -> dict[tuple[str, int, Person], list[Reached]]:
    """Give for each version and person, in order, what they reached; not of people left out."""
    found = defaultdict(list)
    for told in people.first:
        person = people.person(told)
        for rule in rules:
            if person is not None and reaches(told, rule):
                found[rule.funnel, rule.funnel_version, person].append(Reached(rule, told))
    return {
        key: sorted(reached, key=lambda one: one.place)
        for key, reached in found.items()
        if all(one.rule.kind != "excluded" for one in reached)
    }


def hits(rules: Sequence[StageRule], people: People) -> list[Hit]:
    """Give every event by which somebody reached a step."""
    return sorted(
        Hit(
            funnel=funnel,
            funnel_version=version,
            person_id=person[0],
            known=person[1],
            event_time=one.time,
            stage_position=one.rule.stage_position,
            source=one.told.source,
            event_id=one.told.id,
            session_id=one.told.session,
            track=one.text("track"),
        )
        for (funnel, version, person), reached in journeys(rules, people).items()
        for one in reached
        if one.rule.kind == "step"
    )


def entries(
    rules: Sequence[StageRule], people: People, channel: Callable[[Told], str]
) -> list[Entry]:
    """Give every entry; `channel` tells that of an event."""
    found = []
    for (_, _, person), reached in journeys(rules, people).items():
        entered = first_times(with_dimensions(reached, channel))
        found += [entry_of(one, person, entered) for one in entered]
    return sorted(found, key=repr)


def with_dimensions(reached: Sequence[Reached], channel: Callable[[Told], str]) -> list[Reached]:
    """Let each event have what the person told last, by it or before."""
    dimensions = {"segment": "", "card_holder": "", "channel": ""}
    full = []
    for one in reached:
        own = {name: one.text(name) for name in ("segment", "card_holder")}
        own["channel"] = channel(one.told)
        dimensions |= {name: text for name, text in own.items() if text}
        full.append(Reached(one.rule, one.told, **dimensions))
    return full


def first_times(reached: Sequence[Reached]) -> list[Reached]:
    """Keep in order the first of a stage, track and intake; one a day or all that re-enter."""
    first: dict[Any, Reached] = {}
    for one in reached:
        again = {
            "": "",
            "daily": datetime.fromisoformat(one.told.at).date(),
            "always": (one.told.source, one.told.id),
        }[one.rule.reenter]
        stage = (one.rule.stage_position, one.rule.stage, one.text("track"), one.text("cohort"))
        first.setdefault((*stage, again), one)
    return list(first.values())


def entry_of(one: Reached, person: Person, entered: Sequence[Reached]) -> Entry:
    """Give one entry beside all others of its person."""
    rule, told = one.rule, one.told
    start = start_of(one, entered)
    alike = [other for other in entered if other.rule.stage == rule.stage]
    return Entry(
        funnel=rule.funnel,
        funnel_version=rule.funnel_version,
        product=rule.product,
        person_id=person[0],
        known=person[1],
        stage_position=rule.stage_position,
        stage=rule.stage,
        track=one.text("track"),
        cohort=one.text("cohort"),
        source=told.source,
        event_id=told.id,
        kind=rule.kind,
        entered_at=one.time,
        segment=one.segment,
        card_holder=one.card_holder,
        channel=one.channel,
        detail=one.text("detail"),
        cluster=one.text("cluster"),
        amount=amount_of(one),
        started_at=start.time if start else None,
        start_track=start.text("track") if start else "",
        start_cohort=start.text("cohort") if start else "",
        start_segment=start.segment if start else "",
        start_card_holder=start.card_holder if start else "",
        start_channel=start.channel if start else "",
        first_of_start=start is not None
        and one is next(other for other in alike if start_of(other, entered) is start),
        left_at=left_at(one, entered),
        left_stage=left_stage(one, entered),
        repeated=one is not next(other for other in alike if other.sorting == one.sorting),
    )


def amount_of(one: Reached) -> Decimal | None:
    """Give the number that the entry keeps."""
    value = one.told.properties.get(one.rule.reads.get("amount", ""))
    return None if value is None else Decimal(str(value)).quantize(Decimal("0.01"))


def start_of(one: Reached, entered: Sequence[Reached]) -> Reached | None:
    """Give the first entry into stage one that goes together with this."""
    if one.rule.kind == "measure":
        return None
    return next((other for other in entered if other.is_start and one.together(other)), None)


def left_at(one: Reached, entered: Sequence[Reached]) -> int | None:
    """Give when what ended this step came: a later one, a terminal one, or a fuller one of it."""
    if one.rule.kind != "step":
        return None
    leaving = [
        other.time
        for other in entered
        if other.rule.kind != "measure"
        and (
            other.rule.kind != "step"
            or other.rule.stage_position > one.rule.stage_position
            or (other.rule.stage_position == one.rule.stage_position and other.tells_more(one))
        )
        and one.together(other)
    ]
    return min(leaving, default=None)


def left_stage(one: Reached, entered: Sequence[Reached]) -> str:
    """Give the furthest step at which a person stood when a terminal stage came."""
    if one.rule.kind in {"step", "measure"}:
        return ""
    stood = [
        other.rule
        for other in entered
        if other.rule.kind == "step" and other.time <= one.time and one.together(other)
    ]
    return max(stood, key=lambda rule: rule.stage_position).stage if stood else ""
