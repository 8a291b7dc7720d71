"""Makes tracking calls of the rows of a CSV file, judged as the collector would judge them."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson

from funnelhouse.files.calls import CallLine
from funnelhouse.files.csv_file import CsvFile
from funnelhouse.ingest.log.receipt import now_us
from funnelhouse.ingest.validation.pending_event import PendingEvent, Rules
from funnelhouse.ingest.validation.rejection import Reason, Rejection
from funnelhouse.ingest.validation.steps import validate
from funnelhouse.transforms.identity import event_id

_NEEDED = ("event", "event_time")
_PEOPLE = {"user_id": "userId", "anonymous_id": "anonymousId"}
_OWN = (*_NEEDED, *_PEOPLE, "message_id")
_NOT_TEXT = {"integer", "number", "boolean", "array", "object"}


class EventCsv:
    """A file with the columns event, event_time, user_id or anonymous_id; others are properties.

    Times without an offset are of `zone`. A row without a cell in the column `message_id` has an
    id made of its content (and of how often that came before), so that sending rows again, in
    whatever file and order, changes nothing.
    """

    def __init__(self, path: Path, rules: Rules, zone: ZoneInfo) -> None:
        self._sheet = CsvFile(path, _header_fault)
        self._rules = rules
        self._zone = zone
        self._times: Counter[bytes] = Counter()

    def check(self) -> int:
        """Judge every row, and return their number.

        Raises:
            SheetError: the file has any fault at all.
            OSError: the file cannot be read.
        """
        rows = sum(1 for _ in self._sheet.rows(self._judged))
        self._sheet.refuse_faults()
        return rows

    def calls(self) -> Iterator[CallLine]:
        """Yield each row as a call."""
        self._times.clear()
        for line, call in self._sheet.rows(self._call):
            text = orjson.dumps(call)
            yield CallLine(line, 0, call["messageId"], text)

    def _judged(self, cells: Mapping[str, str]) -> None:
        call = self._call(cells)
        draft = PendingEvent(call, orjson.dumps(call), 0, None, now_us())
        validate([draft], self._rules)
        if draft.rejection is not None:
            raise ValueError(_told(draft.rejection))

    def _call(self, cells: Mapping[str, str]) -> dict[str, Any]:
        call: dict[str, Any] = {
            "type": "track",
            "event": cells["event"],
            "timestamp": self._time(cells["event_time"]).isoformat(),
            "properties": self._properties(cells),
        }
        call |= {field: cells[name] for name, field in _PEOPLE.items() if cells.get(name)}
        return call | {"messageId": cells.get("message_id") or self._message_id(call)}

    def _time(self, cell: str) -> datetime:
        try:
            time = datetime.fromisoformat(cell)
        except ValueError as error:
            raise ValueError(
                f"`{cell}` is no time; write it as 2024-07-29 14:30 or 2024-07-29T14:30:00+09:00"
            ) from error
        return (time if time.tzinfo else time.replace(tzinfo=self._zone)).astimezone(UTC)

    def _properties(self, cells: Mapping[str, str]) -> dict[str, Any]:
        schema = self._rules.plan.find(cells["event"], None)
        known = schema.document.get("properties", {}) if schema else {}
        return {
            name: _value(cell, known.get(name, {}).get("type"))
            for name, cell in cells.items()
            if cell and name not in _OWN
        }

    def _message_id(self, call: Mapping[str, Any]) -> str:
        content = orjson.dumps(call, option=orjson.OPT_SORT_KEYS).decode()
        first = event_id(content, "import")
        self._times[first] += 1
        nth = self._times[first]
        return str(UUID(bytes=first if nth == 1 else event_id(f"{nth} {content}", "import")))


def _header_fault(names: Sequence[str]) -> str | None:
    if (
        all(names)
        and len(set(names)) == len(names)
        and set(names) >= set(_NEEDED)
        and set(names) & set(_PEOPLE)
    ):
        return None
    return (
        f"the columns are `{','.join(names)}`; name event, event_time, and user_id or anonymous_id"
        " or both; then one column a property, each with a name of its own"
    )


def _value(cell: str, wanted: object) -> Any:
    """Read a cell as the plan wants the property; what it does not know is text."""
    types = {wanted} if isinstance(wanted, str) else set(wanted or ())  # type: ignore[call-overload]
    if not types or not types <= _NOT_TEXT | {"null"}:
        return cell
    try:
        return orjson.loads(cell.lower() if "boolean" in types else cell)
    except orjson.JSONDecodeError:
        return cell


def _told(rejection: Rejection) -> str:
    """Say what is wrong with a row in the words of its columns, and what to do."""
    if rejection.reason == Reason.MISSING_IDENTITY:
        return "user_id and anonymous_id are empty; fill one of them"
    if rejection.path == "$.timestamp":
        return "column event_time: it lies too far ahead or too far back; correct it"
    column = rejection.path.removeprefix("$").removeprefix(".properties").removeprefix(".")
    where = f"column {column}: " if column else ""
    mend = "" if ";" in rejection.detail else "; mend the cell, or the plan"
    return f"{where}{rejection.detail.rstrip('.')}{mend}"
