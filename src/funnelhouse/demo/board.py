"""The weekly table of the example, from the view `funnel_weekly` to lines a person reads."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

from rich.table import Table

STATEMENT = """\
SELECT week, stage, entries, step_conversion_period, ad_spend, cost_per_entry
FROM funnel_weekly
WHERE funnel = 'bootcamp_short' AND track = 'kotlin'
ORDER BY week, stage_position"""
"""What the table is made of; JSON rows of it go into `board`."""


class _BoardRow(NamedTuple):
    title: str
    stage: str
    column: str
    write: Callable[[Any], str]


def _whole(value: Any) -> str:
    return "–" if value is None else f"{round(float(value)):,}"


def _percent(value: Any) -> str:
    return "–" if value is None else f"{float(value):.2%}"


_LINES = (
    _BoardRow("ad spend (KRW)", "document_passed", "ad_spend", _whole),
    _BoardRow("first application (1차 지원)", "first_applied", "entries", _whole),
    _BoardRow("document pass (서류합격)", "document_passed", "entries", _whole),
    _BoardRow("LAC (spend / document pass)", "document_passed", "cost_per_entry", _whole),
    _BoardRow("Slack joined (슬랙가입)", "slack_joined", "entries", _whole),
    _BoardRow("registered (최종등록)", "registered", "entries", _whole),
    _BoardRow("withdrawn after registration", "withdrawn_after_registration", "entries", _whole),
    _BoardRow("application → pass", "document_passed", "step_conversion_period", _percent),
    _BoardRow("pass → Slack", "slack_joined", "step_conversion_period", _percent),
    _BoardRow("Slack → registered", "registered", "step_conversion_period", _percent),
)


def board(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Lay out rows of `STATEMENT`: a column a week (Monday to Sunday), a line a figure."""
    weeks = sorted({row["week"] for row in rows})
    found = {(row["week"], row["stage"]): row for row in rows}
    table = Table("", *map(_span, weeks), box=None, pad_edge=False, padding=(0, 1, 0, 0))
    table.columns[0].no_wrap = True
    for column in table.columns[1:]:
        column.justify = "right"
    for line in _LINES:
        cells = (found.get((week, line.stage), {}).get(line.column) for week in weeks)
        table.add_row(line.title, *map(line.write, cells))
    return table


def _span(monday: str) -> str:
    first = date.fromisoformat(monday)
    return f"{first}–{first + timedelta(days=6):%m-%d}"
