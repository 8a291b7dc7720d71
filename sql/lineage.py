"""The models of a refresh: what each file of models/ reads and writes, and the order that follows.

Every file opens with a sentence of what it makes, and with lines that the order is derived from:
`Reads` and `After` (it runs after whoever writes that), `Reads as it stood` (before), `Writes` or
`Swaps into`, and the `Key` of what it writes.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path
from string import Template

from funnelhouse.sql.layout import sharding_keys

MODELS = Path(__file__).parent / "models"
_HEADER = re.compile(r"(?:--.*\n)+")
_LINE = re.compile(r"(Reads|Reads as it stood|After|Writes|Swaps into|Key): ([^.]+)\.")
_NOTHING = ("nothing", "nothing: it stands within other models")
_WRITTEN = "INSERT INTO {}\n{}"
_KEPT = "CREATE OR REPLACE TEMPORARY TABLE {}\nENGINE = Memory AS\n{}"


@dataclass(frozen=True, slots=True)
class Model:
    """One file of models/. `reads` and `after` are written before it runs, `stood` after it.

    Without `writes` it stands within other models. One that `swaps` is a SELECT, whose rows take
    the place of those of the file beside it, `current_…`.
    """

    name: str
    folder: str
    reads: Sequence[str]
    stood: Sequence[str]
    after: Sequence[str]
    writes: str
    swaps: bool
    key: Sequence[str]
    text: str


@cache
def models() -> Mapping[str, Model]:
    """Give all models by name."""
    return {path.stem: _read(path) for path in sorted(MODELS.glob("*/*.sql"))}


@cache
def plan() -> Sequence[Model]:
    """Give the models that a refresh runs once its batch stands, in their order.

    Raises:
        CycleError: their headers ask for no order.
    """
    runs = [one for one in models().values() if one.writes and one.folder != "batch"]
    return order(runs)


def order(runs: Iterable[Model]) -> Sequence[Model]:
    """Put models in an order in which each finds what it reads, the same one each time."""
    runs = sorted(runs, key=lambda one: one.name)
    writers: dict[str, list[Model]] = {}
    for one in runs:
        writers.setdefault(one.writes, []).append(one)
    before: dict[str, set[str]] = {one.name: set() for one in runs}
    for one in runs:
        for table in (*one.reads, *one.after):
            before[one.name] |= {writer.name for writer in writers.get(table, ())}
        for table in one.stood:
            for writer in writers.get(table, ()):
                before[writer.name].add(one.name)
        before[one.name].discard(one.name)
    named = {one.name: one for one in runs}
    return [named[name] for name in TopologicalSorter(before).static_order()]


def scratch_tables() -> Sequence[str]:
    """Name the temporary tables in which models hand on what they find."""
    written = {one.writes for one in models().values() if one.writes}
    return sorted(written - set(sharding_keys()))


def statement(model: Model, words: Mapping[str, object]) -> str:
    """Write what runs a model: its text with those that stand within it, and `words`."""
    if not model.swaps:
        return _rendered(model, words).rstrip(";\n")
    current = models()[model.name.replace("new_", "current_", 1)]
    texts = {
        "new": _rendered(model, words),
        "current": _rendered(current, words),
        "key": ", ".join(model.key),
    }
    swap = Template((MODELS / "swap.sql").read_text(encoding="utf-8")).substitute(texts)
    form = _WRITTEN if model.writes in sharding_keys() else _KEPT
    return form.format(model.writes, swap.rstrip("\n"))


def _rendered(model: Model, words: Mapping[str, object]) -> str:
    """Put in the place of each name the text of the model of this name, or the word."""
    return Template(model.text).substitute(_Within(words))


class _Within(dict[str, object]):
    """Gives texts by name as they are asked for; `owned_x` are the events of `x` with owners."""

    def __missing__(self, name: str) -> str:
        owned = name.removeprefix("owned_")
        if name in models():
            return _rendered(models()[name], self).rstrip("\n")
        return _rendered(models()["owned_events"], {**self, "events": self[owned]}).rstrip("\n")


def _read(path: Path) -> Model:
    text = path.read_text(encoding="utf-8")
    header = _HEADER.match(text)
    said = re.sub(r"\n?--", "", header[0]) if header else ""
    found = {name: _names(names) for name, names in _LINE.findall(said)}
    writes = found.get("Writes") or found.get("Swaps into") or ("",)
    return Model(
        name=path.stem,
        folder=path.parent.name,
        reads=found.get("Reads", ()),
        stood=found.get("Reads as it stood", ()),
        after=found.get("After", ()),
        writes=writes[0],
        swaps="Swaps into" in found,
        key=found.get("Key", ()),
        text=text[header.end() :] if header else text,
    )


def _names(names: str) -> Sequence[str]:
    return () if names in _NOTHING else tuple(re.split(r",\s+", names.strip()))
