"""Tiny histories of events: spool rows from a few words, and the road that loads them."""

import re
import secrets
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
import pyarrow as pa
import pytest
from clickhouse_connect.driver.client import Client

from funnelhouse.ingest.loader.loader import Loader, LoaderConfig
from funnelhouse.ingest.log.receipt import minute
from funnelhouse.ingest.log.row import RECEIPT_BITS, SCHEMA, Row
from funnelhouse.ingest.log.segment import encode_batch, encode_footer, encode_opening, opened
from funnelhouse.schemas.rules import StageRule
from funnelhouse.sql.builds import PlanTables, apply_plan
from funnelhouse.sql.client import connect
from funnelhouse.sql.location import Warehouse
from funnelhouse.sql.refresh import Refresh

SEOUL = ZoneInfo("Asia/Seoul")
FIRST_RECEIPT = datetime(2024, 8, 19, tzinfo=UTC)
"""When the event with `came` 0 is received: after everything that histories tell of."""


def today() -> date:
    """Which day it is where reports are read; tests ask when they begin, since days end."""
    return datetime.now(SEOUL).date()


READS = {
    "track": "track",
    "cohort": "cohort",
    "segment": "occupation",
    "card_holder": "card_holder",
}


def rule(position: int, stage: str, event: str = "", **changes: Any) -> StageRule:
    """Return a stage of the funnel `course`, entered by the event of its name if no other."""
    plain: dict[str, Any] = {
        "funnel": "course",
        "funnel_version": 1,
        "product": "camp",
        "stage_position": position,
        "stage": stage,
        "stage_label": stage,
        "kind": "step",
        "lead": False,
        "role": "",
        "within_days": 0,
        "event_name": event or stage,
        "conditions": [],
        "reenter": "",
        "reads": READS,
    }
    return StageRule(**plain | changes)


COURSE = (
    rule(1, "applied"),
    rule(2, "passed", lead=True),
    rule(3, "withdrawn", kind="withdrawn", reads=READS | {"detail": "reason"}),
    rule(4, "joined"),
)
"""A funnel of three steps with a way out between them, each entered by the event of its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One copy of an event: `id` makes it the same event, `came` (seconds) when it was received.

    `at` is Seoul's wall clock. `call` is the kind of call, `previous` the former id of an alias
    call. `reason` marks a rejected copy, `why` its path and detail; `replayed` one that passed
    later. `run` names a test run, `worker` who received it.
    """

    id: int
    came: float
    name: str
    at: str = "2024-08-05 12:00:00"
    user: str = ""
    anonymous: str = ""
    source: str = "web"
    product: str | None = "camp"
    track: str = "kotlin"
    cohort: str = ""
    properties: dict[str, Any] = field(default_factory=dict)
    raw_properties: str = ""
    agent: str = ""
    session: str = ""
    query: dict[str, str] = field(default_factory=dict)
    server: bool = False
    sent_at: str | None = None
    reason: str = ""
    replayed: bool = False
    call: str = "track"
    previous: str | int = ""
    referrer: str = ""
    run: str = ""
    release: str = ""
    path: str = "/"
    why: tuple[str, str] = ("", "")
    worker: int = 0

    @property
    def arrival(self) -> int:
        """The arrival number that a collector would have drawn."""
        return _microseconds(FIRST_RECEIPT) + round(self.came * 1e6) << RECEIPT_BITS | self.worker

    @property
    def event_id(self) -> UUID:
        """The id as the warehouse has it."""
        return UUID(int=self.id)

    def row(self) -> Row:
        """The row that the collector would have spooled."""
        return Row(
            arrival=self.arrival,
            source=self.source,
            server=self.server,
            event_id=self.event_id.bytes,
            event_type=self.call,
            event_name=self.name,
            sent_name=self.name,
            schema_version="1-0-0",
            planned=True,
            event_time=_seoul(self.at),
            sent_at=None if self.sent_at is None else _seoul(self.sent_at),
            payload=self._payload(),
            user_agent=self.agent,
            ip="",
            page="",
            reason=self.reason,
            path=self.why[0] or ("$" if self.reason else ""),
            detail=self.why[1],
            replayed=self.replayed,
            run=self.run,
        )

    def _context(self) -> dict[str, Any]:
        session = {"sessionId": self.session} if self.session else {}
        page = {
            "url": f"https://camp.example{self.path}?{urlencode(self.query)}",
            "referrer": self.referrer,
        }
        app = {"app": {"version": self.release}} if self.release else {}
        return session | app | ({} if self.server else {"page": page})

    def _payload(self) -> bytes:
        sorting = {"product": self.product, "track": self.track, "cohort": self.cohort}
        given = {name: value for name, value in sorting.items() if value}
        properties = self.raw_properties.encode() or orjson.dumps(given | self.properties)
        head = orjson.dumps(
            {
                "type": self.call,
                "event": self.name,
                "userId": self.user,
                "anonymousId": self.anonymous,
                "context": self._context(),
                "previousId": self.previous,
            }
        )
        return head[:-1] + b',"properties":' + properties + b"}"


def _seoul(text: str) -> int:
    return _microseconds(datetime.fromisoformat(text).replace(tzinfo=SEOUL))


def _microseconds(time: datetime) -> int:
    seconds = int(time.replace(microsecond=0).timestamp())
    return seconds * 1_000_000 + time.microsecond


def segment_of(
    rows: Sequence[Row], received: dict[str, int] | None = None, lacking: Sequence[str] = ()
) -> bytes:
    """Return a sealed segment of one frame; without `received` the rows are counted.

    A replayed row was counted when it first came. `lacking` names columns to leave out.
    """
    if received is None:
        first = (row for row in rows if not row.replayed)
        received = Counter(f"{row.source}|{minute(row.arrival)}" for row in first)
    segment_id = secrets.randbits(64)
    batch = batch_of(rows).drop_columns(list(lacking))
    opening = encode_opening(batch.schema, segment_id)
    extent = opened(segment_id, opening)
    frame = encode_batch(batch, orjson.dumps({"received": received}), extent)
    footer = encode_footer(extent.after(len(frame), len(rows)))
    return opening + frame + footer


def batch_of(rows: Sequence[Row]) -> pa.RecordBatch:
    """Return rows as the spool's Arrow batch."""
    columns = list(zip(*rows, strict=True)) or [()] * len(SCHEMA)
    arrays = [pa.array(column, kind) for column, kind in zip(columns, SCHEMA.types, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=SCHEMA)


@dataclass(frozen=True, slots=True)
class Road:
    """The way from a spool of its own into a warehouse, through the product's own loader."""

    place: Warehouse
    folder: Path
    refresh: Refresh = field(default_factory=lambda: Refresh("Asia/Seoul"))

    @property
    def spool(self) -> Path:
        """The folder of segments."""
        return self.folder / "spool"

    def config(self, **changes: Any) -> LoaderConfig:
        """The loader's configuration; it reports into the folder beside the spool."""
        return replace(LoaderConfig(self.spool, self.folder, 128 * 1024**2), **changes)

    def loader(self, connect: Callable[[], Client], **changes: Any) -> Loader:
        """The product's loader over this spool; `changes` are of its configuration."""
        return Loader(self.config(**changes), connect, self.refresh)

    def lay(self, number: int, history: Sequence[Told], lacking: Sequence[str] = ()) -> Path:
        """Put a history into the spool as its `number`-th segment, some columns left out."""
        self.spool.mkdir(parents=True, exist_ok=True)
        path = self.spool / f"{number:016d}-{secrets.token_hex(4)}-1.arrow"
        path.write_bytes(segment_of([told.row() for told in history], lacking=lacking))
        return path

    def load(self, loads: Sequence[Sequence[Told]]) -> None:
        """Load histories one after the other, each as a load of its own."""
        loader = self.loader(lambda: connect(self.place))
        with connect(self.place):
            for number, history in enumerate(loads, start=1):
                self.lay(number, history)
                while loader.load_once():
                    pass
        assert not list(self.spool.glob("*.arrow"))


def all_views(client: Client) -> dict[str, list[Any]]:
    """Read every view that takes no parameters whole, each as sorted rows of texts."""
    return {name: _rows(client, name) for name in _texts_of_views(client)}


def first_views(client: Client) -> dict[str, list[Any]]:
    """Read the views over tables of loads and plans, in little time: all others follow of them."""
    return {view: _rows(client, view) for view in over_tables(client, _texts_of_views(client))}


def over_tables(client: Client, texts: Mapping[str, str]) -> list[str]:
    """Name of views, given by their texts, those that read a table of loads or plans."""
    tables = client.query(
        "SELECT name FROM system.tables WHERE database = currentDatabase()"
        " AND engine LIKE '%MergeTree' AND name != 'ad_spend'"
    ).result_rows
    names = {name for (name,) in tables}
    read = {
        view: set(re.findall(r"(?:FROM|JOIN) (?:\w+\.)?(\w+)", text))
        for view, text in texts.items()
    }
    return [view for view, inputs in read.items() if inputs & names]


def _texts_of_views(client: Client) -> dict[str, str]:
    rows = client.query(
        "SELECT name, as_select FROM system.tables WHERE database = currentDatabase()"
        " AND engine = 'View' AND empty(parameterized_view_parameters) ORDER BY name"
    ).result_rows
    return {name: text for name, text in rows}  # noqa: C416 - what a row is


def _rows(client: Client, view: str) -> list[str]:
    return sorted(map(repr, client.query(f"SELECT * FROM {view}").result_rows))


def optimize_all(client: Client) -> None:
    """Merge every table down to one part, as time would."""
    tables = client.query(
        "SELECT name FROM system.tables WHERE database = currentDatabase()"
        " AND engine LIKE '%MergeTree'"
    ).result_rows
    for (name,) in tables:
        client.command(f"OPTIMIZE TABLE `{name}` FINAL")


def tables(rules: Sequence[StageRule], **others: Any) -> PlanTables:
    """Return a plan of these rules; each version is in force from the first of its year on.

    Version 1 begins with 2024. `others` are rows of the plan's other tables.
    """
    versions = sorted({(rule.funnel, rule.funnel_version, rule.product) for rule in rules})
    funnels = [
        (funnel, version, product, funnel, funnel, date(2023 + version, 1, 1), None, 30)
        for funnel, version, product in versions
    ]
    return PlanTables([astuple(rule) for rule in rules], **{"funnels": funnels} | others)


def bring(client: Client, rules: Sequence[StageRule], **others: Any) -> bool:
    """Bring a plan of these rules into force; False when it is already."""
    return apply_plan(client, tables(rules, **others), Refresh("Asia/Seoul"), _silent)


def _silent(_what: str, _done: int, _of: int) -> None:
    """Note no progress."""


def spend_rows(rows: Sequence[Sequence[Any]]) -> list[dict[str, str]]:
    """Return lines of product, track, channel, first day, last day and amount as the job's JSON."""
    names = ("product", "track", "channel", "period_start", "period_end", "amount")
    return [dict(zip(names, map(_text, row), strict=True)) for row in rows]


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


Loads = Sequence[Sequence[Told]]


def _last_first(loads: Loads, at_once: int) -> Loads:
    told = [one for load in reversed(loads) for one in reversed(load)]
    return [told[start : start + at_once] for start in range(0, len(told), at_once)]


IN_THREE = "three loads, the last first"
ONE_BY_ONE = "an event a load, the last first"
ARRANGEMENTS: dict[str, Callable[[Loads], Loads]] = {
    "as told": lambda loads: loads,
    "one load": lambda loads: [[told for load in loads for told in load]],
    IN_THREE: lambda loads: _last_first(loads, -(-sum(map(len, loads)) // 3)),
    ONE_BY_ONE: lambda loads: _last_first(loads, 1),
}
"""Ways in which one history can reach the warehouse; no view may tell them apart."""

ARRANGED = [
    pytest.param(name, marks=() if name in {"one load", IN_THREE} else pytest.mark.slow)
    for name in ARRANGEMENTS
]
"""These ways as parameters of tests, two of them for the ordinary run."""
