"""What one plan changes of another, event by event, told as breaking or additive."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from funnelhouse.schemas.compatibility import breaks


class Schema(Protocol):
    """What is asked of a version of an event."""

    @property
    def version(self) -> str:
        """Its version."""

    @property
    def document(self) -> Mapping[str, Any]:
        """Its JSON Schema."""


Events = Mapping[str, Mapping[str, Schema]]
"""Events by name and version, the oldest first."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change of an event; `kind` is breaking or additive."""

    event: str
    kind: str
    told: str


def changes(old: Events, new: Events) -> Iterator[Change]:
    """List what the newer plan changes, by name of the event.

    A change is breaking where an event that the older plan takes may be refused by the newer one,
    or is described less: the rules by which a version's first number must rise.
    """
    for name in sorted(old.keys() | new.keys()):
        if name not in new:
            yield Change(name, "breaking", "is removed, so it is refused")
        elif name not in old:
            yield Change(name, "additive", f"is new in version {_newest(new[name]).version}")
        else:
            yield from _of_event(name, old[name], new[name])


def _of_event(name: str, old: Mapping[str, Schema], new: Mapping[str, Schema]) -> Iterator[Change]:
    for version in old.keys() - new.keys():
        yield Change(name, "breaking", f"version {version} is removed")
    for version in [version for version in new if version in old]:
        yield from _of_version(name, f"version {version}", old[version], new[version])
    before, after = _newest(old), _newest(new)
    if after.version != before.version:
        told = f"version {after.version} follows {before.version}"
        yield from _of_version(name, told, before, after)


def _of_version(name: str, told: str, old: Schema, new: Schema) -> Iterator[Change]:
    before, after = dict(old.document), dict(new.document)
    if _described(before) == _described(after):
        return
    found = list(breaks(before, after))
    for place, why in found:
        where = "/".join(map(str, place))
        yield Change(name, "breaking", f"{told}: {f'{where}: ' if where else ''}{why}")
    if not found:
        added = after.get("properties", {}).keys() - before.get("properties", {}).keys()
        more = f" adds {', '.join(sorted(added))}" if added else " takes no less than before"
        yield Change(name, "additive", f"{told}:{more}")


def _described(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key not in {"$id", "examples"}}


def _newest(versions: Mapping[str, Schema]) -> Schema:
    return versions[list(versions)[-1]]
