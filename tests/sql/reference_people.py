"""Whose each event is, by a plain reading of the view `people`: all events at once, in Python."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from tests.sql.history import SEOUL, Told

Person = tuple[str, bool]
"""A user's id and True, or a device's and False."""


class Login(NamedTuple):
    """A login of a device; `former` where an alias call alone names it, as the former id."""

    time: int
    arrival: int
    user: str
    former: bool


class Link(NamedTuple):
    """An id of a person, as the view `people` shows it; times in microseconds."""

    person_id: str
    kind: str
    id: str
    first_login_at: int | None
    last_login_at: int | None


def time_of(told: Told) -> int:
    """Microseconds since the epoch of Seoul's wall clock."""
    time = datetime.fromisoformat(told.at).replace(tzinfo=SEOUL)
    return (time - datetime.fromisoformat("1970-01-01 00:00+00:00")) // timedelta(microseconds=1)


class People:
    """Whose each event is, of all copies of events that ever came."""

    def __init__(self, told: Iterable[Told]) -> None:
        self.first = first_copies(told)
        self.aliased = aliased(self.first)
        self.logins = logins_of(self.first)

    def person_of_user(self, user: str) -> str:
        """Give the person that a user is."""
        return self.aliased.get(user, user)

    def person(self, told: Told) -> Person | None:
        """Give a user's event to the user, a device's to its next login, or to the one before."""
        if told.user:
            return self.person_of_user(told.user), True
        if not told.anonymous:
            return None
        logins = self.logins.get(told.anonymous)
        if not logins:
            return told.anonymous, False
        next_one = bisect_left(logins, time_of(told), key=lambda login: login.time)
        return self.person_of_user(logins[min(next_one, len(logins) - 1)].user), True

    def links(self) -> list[Link]:
        """Give every id that a login or an alias call links with a person."""
        times: dict[tuple[str, str, str], list[int | None]] = defaultdict(list)
        for user, person in self.aliased.items():
            times[person, "user", user].append(None)
        for device, logins in self.logins.items():
            for time, _, user, former in logins:
                if not (former and device in self.aliased):
                    person = self.person_of_user(user)
                    times[person, "user", user].append(time)
                    times[person, "device", device].append(time)
        return sorted(Link(*key, *_ends(times)) for key, times in times.items())


def _ends(times: list[int | None]) -> tuple[int | None, int | None]:
    known = [time for time in times if time is not None]
    return min(known, default=None), max(known, default=None)


def first_copies(told: Iterable[Told]) -> list[Told]:
    """Keep of each event the copy that came first."""
    first: dict[tuple[str, int], Told] = {}
    for copy in sorted(told, key=lambda copy: copy.arrival):
        first.setdefault((copy.source, copy.id), copy)
    return list(first.values())


def logins_of(first: Sequence[Told]) -> dict[str, list[Login]]:
    """Give the logins of each device in order."""
    logins: dict[str, list[Login]] = defaultdict(list)
    for told in first:
        if told.user:
            former = str(told.previous) if told.call == "alias" else ""
            for device in {told.anonymous, former} - {"", told.user}:
                login = Login(time_of(told), told.arrival, told.user, device != told.anonymous)
                logins[device].append(login)
    return {device: sorted(of_it) for device, of_it in logins.items()}


def aliased(first: Sequence[Told]) -> dict[str, str]:
    """Give the person of each user whom an alias call joins with another.

    A former id from which an event came is a device's: the call is a login there and joins nobody.
    """
    devices = {
        told.anonymous
        for told in first
        if (not told.user and not told.server) or told.user not in {"", told.anonymous}
    }
    pairs = [
        (str(told.previous), told.user) for told in first if told.call == "alias" and told.previous
    ]
    pairs = [(old, new) for old, new in pairs if new not in {"", old} and old not in devices]
    former = {old for old, _ in pairs}
    person = {}
    for user in {user for pair in pairs for user in pair}:
        group = {user}
        while grown := {u for pair in pairs if group & {*pair} for u in pair} - group:
            group |= grown
        person[user] = min(group, key=lambda one: (one in former, one))
    return person
