from pathlib import Path

import pytest

from funnelhouse.ingest.log.depth import is_drained
from funnelhouse.ingest.log.disk import LocalDisk

ASKED_AT = 1_722_000_000.0


class Listed(LocalDisk):
    """A disk whose folder is listed as the test says, one listing after the other."""

    def __init__(self, *listings: dict[str, int]) -> None:
        self.listings = list(listings)

    def list(self, folder: Path) -> dict[str, int]:
        """Give the next listing, and of the folder of damage nothing."""
        return {} if folder.name == "damaged" else self.listings.pop(0)


BEFORE = {"1721999999000000-w0-1.arrow": 10}
AFTER = {"1722000001000000-w0-2.open": 10}


@pytest.mark.parametrize(
    ("listings", "drained"),
    [
        (({}, {}), True),
        ((AFTER, AFTER), True),
        ((BEFORE, {}), False),
        (({}, BEFORE), False),
    ],
    ids=["nothing", "younger", "older", "renamed while it was listed"],
)
def test_drained_of_what_began_before(
    listings: tuple[dict[str, int], ...], *, drained: bool
) -> None:
    """A spool is drained when no listing shows a segment from before, though one may miss it."""
    assert is_drained(Path("spool"), ASKED_AT, Listed(*listings)) == drained
