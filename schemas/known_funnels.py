"""What targets and actions may name of the plan's funnels: each over all of its versions."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from funnelhouse.schemas.documents import Document, Place
from funnelhouse.schemas.faults import Fault, meant
from funnelhouse.schemas.funnel_document import funnel_from
from funnelhouse.schemas.funnel_shape import FUNNEL_SHAPE
from funnelhouse.schemas.funnels import Funnel


@dataclass(frozen=True, slots=True)
class KnownFunnel:
    """A funnel over all its versions, oldest first; what one of them has can be named."""

    versions: tuple[Funnel, ...]

    @property
    def product(self) -> str:
        """Give the product, which all versions share."""
        return self.versions[-1].product

    @property
    def steps(self) -> set[str]:
        """Name the stages without terminal ones."""
        return {name for funnel in self.versions for name in _steps(funnel)}

    @property
    def stages(self) -> set[str]:
        """Name the stages with terminal ones."""
        return {stage.stage for funnel in self.versions for stage in funnel.stages}

    @property
    def measures(self) -> set[str]:
        """Name what is counted beside the stages."""
        return {measure.measure for funnel in self.versions for measure in funnel.measures}

    @property
    def withdraws(self) -> bool:
        """Say whether a stage ends residence by withdrawal."""
        stages = (stage for funnel in self.versions for stage in funnel.stages)
        return any(stage.terminal == "withdrawn" for stage in stages)

    @property
    def lead(self) -> str:
        """Name the lead stage of the newest version that has one, "" when none has."""
        leads = [stage.stage for funnel in self.versions for stage in funnel.stages if stage.lead]
        return leads[-1] if leads else ""

    def goes(self, start: str, end: str) -> bool:
        """Say whether one version has both as steps, one before the other."""
        orders = map(_steps, self.versions)
        return any(
            start in order and end in order and order.index(start) < order.index(end)
            for order in orders
        )


@dataclass(frozen=True, slots=True)
class KnownFunnels:
    """The plan's funnels by name; `named` also has those with a version that cannot be read."""

    by_name: Mapping[str, KnownFunnel]
    named: frozenset[str]


def known_funnels(documents: Iterable[Document]) -> KnownFunnels:
    """Gather the versions of each funnel; one without the shape of a funnel spoils them all."""
    versions: dict[str, list[Funnel]] = {}
    faulty: set[str] = set()
    for document in documents:
        if FUNNEL_SHAPE.fits(document):
            funnel = funnel_from(document.value)
            versions.setdefault(funnel.funnel, []).append(funnel)
        elif isinstance(document.value, dict) and "funnel" in document.value:
            faulty.add(str(document.value["funnel"]))
    by_name = {
        name: KnownFunnel(tuple(sorted(found, key=lambda funnel: funnel.version)))
        for name, found in versions.items()
        if name not in faulty
    }
    return KnownFunnels(by_name, frozenset(versions) | faulty)


def funnel_faults(
    document: Document, place: Place, name: str, funnels: KnownFunnels
) -> Iterator[Fault]:
    """Find a funnel that the plan has not."""
    if name not in funnels.named:
        message = f'the plan has no funnel "{name}"'
        yield document.fault((*place, "funnel"), message, meant(name, funnels.named))


def stage_faults(
    document: Document, place: Place, name: str, stages: Iterable[str]
) -> Iterator[Fault]:
    """Find a stage that is none of those which can be meant."""
    options = set(stages)
    if name not in options:
        message = f'the funnel has no stage "{name}" that can stand here'
        yield document.fault(place, message, meant(name, options))


def way_faults(
    document: Document, place: Place, way: tuple[str, str], funnel: KnownFunnel
) -> Iterator[Fault]:
    """Find why there is no way between two stages; they stand under `from` and `to` at a place."""
    unknown = [
        fault
        for key, name in zip(("from", "to"), way, strict=True)
        for fault in stage_faults(document, (*place, key), name, funnel.steps)
    ]
    yield from unknown
    if not unknown and not funnel.goes(*way):
        message = f'no version of the funnel leads from "{way[0]}" to "{way[1]}"'
        yield document.fault((*place, "to"), message, "name a later stage of the same version")


def _steps(funnel: Funnel) -> list[str]:
    return [stage.stage for stage in funnel.stages if not stage.terminal]
