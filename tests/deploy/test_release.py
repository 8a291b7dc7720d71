import re
from pathlib import Path

import funnelhouse

ROOT = Path(__file__).parents[2]


def read(name: str) -> str:
    """Read a file of the repository."""
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_newest_changes_are_of_this_version_and_dated() -> None:
    """The changelog starts with the version that is installed, and its day."""
    first = re.search(r"^## (\S+) – (\S+)$", read("CHANGELOG.md"), re.MULTILINE)
    assert first is not None
    assert first[1] == funnelhouse.__version__
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", first[2])


def test_the_images_base_is_pinned_by_digest() -> None:
    """Every stage of the image starts from one base, named by its digest."""
    text = read("deploy/Dockerfile")
    assert re.search(r"^ARG BASE=\S+@sha256:[0-9a-f]{64}$", text, re.MULTILINE)
    assert set(re.findall(r"^FROM (\S+)", text, re.MULTILINE)) == {"$BASE"}


def test_every_dependency_has_a_lower_bound() -> None:
    """What is older than the lock was never tried, so it is not taken."""
    pattern = r"(?ms)^dependencies = \[(.*?)^\]"
    found = re.search(pattern, read("pyproject.toml"))
    assert found is not None
    names = re.findall(r'"([^"]+)"', found[1])
    assert names
    assert [name for name in names if ">=" not in name] == []
