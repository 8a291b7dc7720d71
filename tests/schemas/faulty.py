"""Spoils files of a plan and holds what is said of them; for the tests of each kind of file.

Beside that, a funnel of two versions that targets and actions can be set on.
"""

from pathlib import Path

from funnelhouse.schemas.faults import Fault

OLDER = """funnel: camp
title: Camp
title_ko: 캠프
product: nbcamp
version: 1
valid_from: 2023-01-01
stages:
  - {stage: applied, label_ko: 지원, event: withdrawn}
  - {stage: tested, label_ko: 시험, event: withdrawn}
  - {stage: passed, label_ko: 합격, event: withdrawn, lead: true}
  - {stage: withdrawn, label_ko: 철회, event: withdrawn, terminal: withdrawn}
measures:
  - {measure: revenue, event: withdrawn, amount: days}
  - {measure: inquiry, event: withdrawn}
"""
NEWER = """funnel: camp
title: Camp
title_ko: 캠프
product: nbcamp
version: 2
valid_from: 2024-01-01
stages:
  - {stage: applied, label_ko: 지원, event: withdrawn}
  - {stage: passed, label_ko: 합격, event: withdrawn, lead: true}
  - {stage: joined, label_ko: 합류, event: withdrawn}
  - {stage: withdrawn, label_ko: 철회, event: withdrawn, terminal: withdrawn}
"""


def add_camp(folder: Path) -> None:
    """Write the funnel `camp` in its two versions."""
    for version, text in (("1", OLDER), ("2", NEWER)):
        (folder / f"funnels/camp_{version}.yaml").write_text(text, encoding="utf-8")


def change(path: Path, old: str, new: str) -> None:
    """Replace the first place of a text that is there in a file."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def assert_told(faults: list[Fault], expected: tuple[str, int, str, str]) -> None:
    """Hold that one of the faults says all of what is expected."""
    file, line, message, mend = expected
    assert [
        fault
        for fault in faults
        if (fault.file, fault.line) == (file, line)
        and message in fault.message
        and mend in fault.mend
    ], "\n".join(map(str, faults))


def only(faults: list[Fault]) -> Fault:
    """Give the one fault that there is."""
    (fault,) = faults
    return fault
