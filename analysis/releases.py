"""What a release broke of the logs, named: each event of the plan against the releases before it.

Pure, but for `facts_of`, which asks the views of coverage. A finding must be beyond chance: with
some hundred events a release, a sound one is called broken less than once in ten thousand.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import sqrt
from statistics import median
from typing import Any

from clickhouse_connect.driver.client import Client

from funnelhouse.schemas.faults import meant
from funnelhouse.schemas.names import match_key

_BY_RELEASE = """
SELECT coverage, event, release, events, rejected, devices, place_devices, missing_properties
FROM coverage_by_release_between(run = {run:String}, since = {since:String}, until = {until:String})
WHERE wanted
ORDER BY released_at, coverage, position
"""
_REJECTED = """
SELECT release, event_name, reason, path, detail, sum(events) AS events, sum(devices) AS devices
FROM rejections_between(run = {run:String}, since = {since:String}, until = {until:String})
GROUP BY release, event_name, reason, path, detail
"""
_VARIANTS = """
SELECT coverage, event, variant
FROM coverage_by_variant_of_release_between(
    run = {run:String}, release = {release:String}, since = {since:String}, until = {until:String}
)
WHERE status = 'silent'
"""
_REQUIRED = re.compile(r'"(.+)" is a required property')
_TYPE = re.compile(r" is not of types? ")
_ROOM = 8
"""Releases before that one is compared with."""

_Z = 4.9
_LEAST_RATIO = 0.75
_CHANCE = 1e-6
_LEAST_DEVICES = 30
_NOTABLE_SHARE = 0.02


@dataclass(frozen=True, slots=True)
class Counts:
    """An event at a place in one release; `devices` of the place's `of` sent it."""

    events: int
    rejected: int
    devices: int
    of: int
    missing_properties: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RejectionCount:
    """Why events of a name were rejected in one release, and how many."""

    event: str
    reason: str
    path: str
    detail: str
    events: int
    devices: int


@dataclass(frozen=True, slots=True)
class ReleaseFacts:
    """What one release sent: counts by place and event, rejections, variants without an event."""

    release: str
    counts: Mapping[tuple[str, str], Counts]
    rejected: Sequence[RejectionCount] = ()
    silent: Sequence[tuple[str, str, str]] = field(default=())


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with an event: `fault` is of a closed set, `subject` the property or name.

    missing event, renamed event, missing property, wrong type, rejected, silent variant, half of
    the volume (or another share of it, told in `told`).
    """

    coverage: str
    event: str
    fault: str
    subject: str
    told: str


def findings(release: ReleaseFacts, before: Sequence[ReleaseFacts]) -> list[Finding]:
    """Name what is wrong with a release, by the releases before it, the oldest first."""
    recent = before[-_ROOM:]
    found: list[Finding] = []
    for (coverage, event), counts in release.counts.items():
        past = [one.counts[coverage, event] for one in recent if (coverage, event) in one.counts]
        place = _Place(coverage, event, counts, past)
        found += place.missing(release, recent)
        found += place.properties()
        found += place.rejections(release, recent)
        # Whatever else is wrong with an event makes fewer of it: that is told first, and alone.
        for further in (place.variants, place.volume):
            if not any((one.coverage, one.event) == (coverage, event) for one in found):
                found += further(release)
    return found


@dataclass(frozen=True, slots=True)
class _Place:
    coverage: str
    event: str
    now: Counts
    past: Sequence[Counts]

    def _finding(self, fault: str, subject: str, told: str) -> Finding:
        return Finding(self.coverage, self.event, fault, subject, told)

    def _usual_share(self) -> float:
        """Give the share of devices that send the event: the middle one of the releases before."""
        shares = [one.devices / one.of for one in self.past if one.of]
        return median(shares) if shares else 1.0

    def missing(self, release: ReleaseFacts, recent: Sequence[ReleaseFacts]) -> list[Finding]:
        """Find an event that did not come at all, and the name that came in its place."""
        now = self.now
        by_chance = (1 - min(self._usual_share(), 0.999)) ** now.of
        enough = self.past or now.of >= _LEAST_DEVICES
        if now.events or now.rejected or not enough or by_chance > _CHANCE:
            return []
        known = {match_key(one.event) for facts in recent for one in facts.rejected}
        expected = self._usual_share() * now.of
        names = [
            one
            for one in release.rejected
            if one.reason == "unknown_event"
            and match_key(one.event) not in known
            and one.devices > expected / 2
        ]
        if not names:
            told = f"{self.event} does not come any more"
            return [self._finding("missing event", "", told)]
        nearest = min(names, key=lambda one: (abs(one.devices - expected), one.event))
        told = f"{self.event} does not come any more; {nearest.event} comes in its place"
        return [self._finding("renamed event", nearest.event, told)]

    def properties(self) -> list[Finding]:
        """Find properties that events bear no more, though most releases before had them."""
        gone = [
            name
            for name in self.now.missing_properties
            if sum(name in one.missing_properties for one in self.past) <= len(self.past) / 2
        ]
        return [
            self._finding("missing property", name, f"{self.event} comes without {name}")
            for name in gone
        ]

    def rejections(self, release: ReleaseFacts, recent: Sequence[ReleaseFacts]) -> list[Finding]:
        """Find what a noticeable share of the events is rejected for, and was not before."""
        total = self.now.events + self.now.rejected
        before = {
            (one.event, one.path) for facts in recent for one in facts.rejected if one.events > 1
        }
        found = []
        for one in release.rejected:
            own = one.event == self.event and one.reason not in {"unknown_event", "unknown_version"}
            if not own or (one.event, one.path) in before:
                continue
            if one.events < max(_NOTABLE_SHARE * total, 2):
                continue
            found.append(self._of_rejection(one))
        return found

    def _of_rejection(self, one: RejectionCount) -> Finding:
        required = _REQUIRED.search(one.detail)
        if required:
            told = f"{self.event} comes without {required[1]}, so it is rejected"
            return self._finding("missing property", required[1], told)
        name = one.path.rpartition(".")[2]
        fault = "wrong type" if _TYPE.search(one.detail) else "rejected"
        return self._finding(fault, name, f"{self.event} is rejected at {one.path}: {one.detail}")

    def variants(self, release: ReleaseFacts) -> list[Finding]:
        """Find variants in which the event is silent."""
        return [
            self._finding("silent variant", variant, f"{event} is silent in variant {variant}")
            for coverage, event, variant in release.silent
            if (coverage, event) == (self.coverage, self.event)
        ]

    def volume(self, _release: ReleaseFacts) -> list[Finding]:
        """Find an event that noticeably fewer devices send, or that they send less often."""
        if len(self.past) < 2:  # noqa: PLR2004 - of one release nobody knows what is usual
            return []
        of_past = sum(one.of for one in self.past)
        devices = _fewer(self.now.devices, self.now.of, sum(p.devices for p in self.past), of_past)
        if devices is None:
            return []
        told = f"{self.event} comes from {devices:.0%} of the devices that it used to"
        return [self._finding("half of the volume", f"{devices:.2f}", told)]


def _fewer(count: int, of: int, count_before: int, of_before: int) -> float | None:
    """Compare two shares; give their ratio where the first is lower beyond chance, else None.

    The test of two proportions with pooled variance.
    """
    if not of or not count_before:
        return None
    pooled = (count + count_before) / (of + of_before)
    error = sqrt(pooled * (1 - pooled) * (1 / of + 1 / of_before))
    ratio = (count / of) / (count_before / of_before)
    if ratio > _LEAST_RATIO or not error:
        return None
    return ratio if (count_before / of_before - count / of) / error > _Z else None


def facts_of(client: Client, since: str, until: str, run: str = "") -> list[ReleaseFacts]:
    """Ask what each release of a time sent, in the order in which they came, without variants."""
    asked = {"run": run, "since": since, "until": until}
    counts: dict[str, dict[tuple[str, str], Counts]] = {}
    for row in client.query(_BY_RELEASE, parameters=asked).named_results():
        counts.setdefault(row["release"], {})[row["coverage"], row["event"]] = Counts(
            events=row["events"],
            rejected=row["rejected"],
            devices=row["devices"],
            of=row["place_devices"],
            missing_properties=tuple(row["missing_properties"]),
        )
    rejected: dict[str, list[RejectionCount]] = {}
    for release, *values in client.query(_REJECTED, parameters=asked).result_rows:
        rejected.setdefault(release, []).append(RejectionCount(*values))
    return [ReleaseFacts(release, of, rejected.get(release, ())) for release, of in counts.items()]


def with_variants(client: Client, facts: ReleaseFacts, since: str, until: str) -> ReleaseFacts:
    """Ask in which variants events of a release are silent."""
    asked = {"run": "", "release": facts.release, "since": since, "until": until}
    rows = client.query(_VARIANTS, parameters=asked).result_rows
    return replace(facts, silent=[tuple(row) for row in rows])


def judged(client: Client, release: str, since: str, until: str) -> tuple[str, list[Finding]]:
    """Judge a release seen within a time, the newest where "" is asked for, by those before it.

    Raises:
        ValueError: there is no such release, or none at all.
    """
    found = [one for one in facts_of(client, since, until) if one.release]
    names = [one.release for one in found]
    if not names:
        raise ValueError("No release was seen then; events tell theirs in context.app.version.")
    chosen = release or names[-1]
    if chosen not in names:
        raise ValueError(f'No release "{chosen}" was seen then; {meant(chosen, names)}.')
    place = names.index(chosen)
    return chosen, findings(with_variants(client, found[place], since, until), found[:place])


def told(found: Iterable[Finding]) -> list[dict[str, Any]]:
    """Write findings as rows."""
    return [
        {
            "coverage": one.coverage,
            "event": one.event,
            "fault": one.fault,
            "subject": one.subject,
            "told": one.told,
        }
        for one in found
    ]
