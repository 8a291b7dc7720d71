"""One tale for one machine and for two shards: what both are told, and all that views then say.

Run as a module: `single` or `shards`, a folder, the file that is written, and after which parts.
"""

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, date, datetime
from functools import partial
from itertools import count, islice
from pathlib import Path
from typing import Any

import orjson
import yaml
from clickhouse_connect.driver.client import Client

from funnelhouse.analysis.attribution import Period, compute_markov
from funnelhouse.analysis.experiments import experiments_in_force, refresh
from funnelhouse.demo.story import browser_calls, server_calls
from funnelhouse.ingest.collector.protocols.segment import decode
from funnelhouse.ingest.log.receipt import ReceiptClock
from funnelhouse.ingest.log.row import RECEIPT_BITS, Row
from funnelhouse.ingest.validation.event import Origin
from funnelhouse.ingest.validation.limits import Limits
from funnelhouse.ingest.validation.pending_event import Rules
from funnelhouse.ingest.validation.pipeline import Pipeline
from funnelhouse.ingest.validation.refusal import Refusal
from funnelhouse.plan.plan_tables import experiment_tables, tables_of
from funnelhouse.processes.jobs import JOBS
from funnelhouse.schemas.experiments import experiment_from
from funnelhouse.schemas.registry import load_plan
from funnelhouse.schemas.rules import StageRule
from funnelhouse.settings import SHIPPED_PLAN
from funnelhouse.sql.builds import PlanTables, apply_plan
from funnelhouse.sql.client import connect
from funnelhouse.sql.forget import forget
from funnelhouse.sql.location import Warehouse
from funnelhouse.sql.refresh import Refresh
from funnelhouse.sql.timeouts import refresh_sessions
from funnelhouse.sql.upgrade import ROOT, VIEWS, migrate
from tests.sql.crowd import INTAKES, RULES, Crowd
from tests.sql.history import Road, Told, segment_of, spend_rows, tables
from tests.sql.shards import CLUSTER, connect_shards

TIMEZONE = "Asia/Seoul"
AS_OF = date(2024, 9, 1)
_PARAMETER = re.compile(r"\{(\w+):(\w+)")
_ASKED = {
    "funnel": "'course'",
    "stage": "'passed'",
    "experiment": "'guide'",
    "as_of": f"'{AS_OF}'",
    "first_day": "'2024-07-29'",
    "last_day": "'2024-09-01'",
    "since": "'2024-08-18'",
    "until": "'2024-08-21'",
    "at": "'2024-08-15 12:00:00'",
    "unit": "'week'",
    "split": "true",
    "by_session": "true",
    "run": "''",
    "release": "'1.0'",
    "audience": "'slack_joined'",
}
"""Values of the parameters that views have; 7 for any other."""

_ASKED_OF = {
    "message": {"funnel": "'bootcamp_short'", "stage": "'registered'"},
    "attribution/guide_conversion": {"funnel": "'bootcamp_short'", "stage": "'first_applied'"},
}
"""Other values for views whose name begins so."""

EXPERIMENT: dict[str, Any] = {
    "experiment": "guide",
    "title": "Guide",
    "title_ko": "가이드",
    "hypothesis": "Readers apply.",
    "owner": "growth",
    "starts_on": "2024-07-30",
    "ends_on": "2024-09-06",
    "unit": "device",
    "traffic": 1,
    "variants": [{"variant": "a"}, {"variant": "b"}],
    "primary": {"metric": "applied", "kind": "stage", "funnel": "course", "stage": "applied"},
    "secondary": [{"metric": "uses", "kind": "count", "event": "used"}],
    "minimum_effect": 0.1,
    "trigger": {"event": "passed"},
    "coverage": {"steps": ["used"], "pairs": [{"browser": "used", "server": "paid"}]},
}


SPEND = [["camp", "kotlin", "paid_search", date(2024, 8, 5), date(2024, 8, 11), 1000]]
_CLOCK = {"computed_at", "imported_at"}


LAST = "sessions of an hour, one person forgotten"
PARTS = ("loaded", "rebuilt, there and back", LAST)


@dataclass(frozen=True, slots=True)
class Teller:
    """A migrated warehouse with the road into it."""

    connect: Callable[[], Client]
    folder: Path
    refresh: Refresh
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def load(self, loads: list[list[Told]]) -> None:
        """Load histories one after the other, each as a load of its own."""
        self.load_rows([[told.row() for told in load] for load in loads])

    def load_rows(self, loads: list[list[Row]]) -> None:
        """Load spooled rows one after the other, each as a load of its own."""
        road = Road(Warehouse(self.folder), self.folder, self.refresh)
        loader = road.loader(self.connect)
        road.spool.mkdir(parents=True, exist_ok=True)
        for rows in loads:
            number = next(self.numbers)
            (road.spool / f"{number:016d}-{number:08x}-1.arrow").write_bytes(segment_of(rows))
            while loader.load_once():
                pass
        assert not list(road.spool.glob("*.arrow"))


def cases() -> list[list[Told]]:
    """Give the histories of all case files, each with ids and moments of its own.

    The first loads of all are one load, their second ones another, and so on.
    """
    loads: dict[int, list[Told]] = {}
    for number, path in enumerate(sorted((Path(__file__).parent / "cases").glob("*.yaml")), 1):
        for nth, load in enumerate(yaml.safe_load(path.read_text(encoding="utf-8"))["loads"]):
            for event in load:
                told = Told(**event)
                event_id, came = told.id + 10_000 * number, told.came + 3_600 * number
                loads.setdefault(nth, []).append(replace(told, id=event_id, came=came))
    return list(loads.values())


def shown(crowd: Crowd) -> list[Told]:
    """Tell what the crowd's devices were shown in the experiment."""
    devices = sorted({told.anonymous for told in crowd.told})
    return [
        Told(
            id=900_000 + n,
            came=5_000 + n,
            name="experiment_viewed",
            at=f"2024-08-{1 + n % 28:02} 08:00:00",
            anonymous=device,
            properties={"experiment_id": "guide", "variation_id": "ab"[n % 3 == 0]},
            session=f"session-{n % 40}",
        )
        for n, device in enumerate(devices)
    ]


def visited() -> list[Row]:
    """Give what the demo's visitors send, a share of them, as a collector would spool it.

    Some read the guide, got messages, saw an experiment of the shipped plan, or fail its schemas.
    """
    rules = Rules(load_plan(SHIPPED_PLAN), Limits(), b"a secret of the tests")
    pipeline = Pipeline(rules, ReceiptClock(lambda: _VISITED))
    calls = [*islice(browser_calls(), 0, None, 20), *more_calls()]
    rows = []
    for number, (call, server) in enumerate(
        [*((call, False) for call in calls), *((call, True) for call in server_calls())]
    ):
        envelope = decode("batch", orjson.dumps({"batch": [call]}))
        assert not isinstance(envelope, Refusal)
        origin = Origin("backend", server=True) if server else Origin("web", server=False)
        (row,) = pipeline.admit(envelope, origin).rows
        rows.append(row._replace(arrival=(_VISITED + number * 1_000_000) << RECEIPT_BITS))
    return rows


_VISITED = int(datetime(2024, 8, 20, tzinfo=UTC).timestamp()) * 1_000_000


def more_calls() -> Iterator[dict[str, Any]]:
    """Yield calls that the demo's visitors do not make, of people whom its server knows."""
    for number, call in enumerate(list(server_calls())[::5]):
        shared = {"product": "nbcamp", "track": "kotlin"}
        message = {"campaign": f"c{number % 2}", "channel": "sms", "cluster": f"k{number % 3}"}
        seen = {"experiment_id": "floating_text", "variation_id": "general"}
        made: tuple[tuple[str, dict[str, Any]], ...] = (
            ("Guide Opened", {"guide_id": "g", "entry": "youtube"}),
            ("Message Sent", shared | message),
            ("Message Clicked", shared | message),
            ("Experiment Viewed", seen),
            ("Scroll Depth Reached", {"depth": 90}),
            ("CTA Clicked", {"cta_id": "apply"} if number % 3 else {}),
            ("Nobody Planned", {}),
        )
        for nth, (event, properties) in enumerate(made):
            user = {"userId": call["userId"]} if (number + nth) % 4 else {}
            yield {
                "type": "track",
                "event": event,
                "anonymousId": f"reader-{number % 20}",
                "messageId": f"more-{number}-{nth}",
                "timestamp": f"2024-08-{13 + nth // 4:02}T0{nth}:00:00+09:00",
                "properties": properties,
                "context": {
                    "page": {"url": "https://nbcamp.example/kotlin"},
                    "app": {"version": f"1.{number % 2}"},
                    **({"run": "qa"} if number % 7 == 0 else {}),
                },
                **user,
            }


def plan(rules: Sequence[StageRule]) -> PlanTables:
    """Return the shipped plan, with rules of the crowd's funnels beside it."""
    experiment = experiment_tables([experiment_from(EXPERIMENT)])
    own = tables(rules, intakes=INTAKES, **experiment)
    shipped = tables_of(load_plan(SHIPPED_PLAN))
    both = {one.name: [*getattr(shipped, one.name), *getattr(own, one.name)] for one in fields(own)}
    return PlanTables(**both)


def tell(client: Client, teller: Teller) -> Iterator[str]:
    """Tell the whole tale; gives the name of each part after it."""
    crowd = Crowd(1)
    whole, fewer = plan(RULES), plan(RULES[:4])

    def bring(plan: PlanTables) -> None:
        assert apply_plan(client, plan, teller.refresh, lambda *_: None)

    bring(fewer)
    run = ["qa", datetime(2024, 8, 20, tzinfo=UTC), datetime(2024, 8, 21, tzinfo=UTC), ""]
    client.insert("runs_raw", [run], column_names=["run", "starts_at", "ends_at", "note"])
    loads = [crowd.told[start::3] for start in range(3)]
    teller.load([*loads[:2], shown(crowd), *cases()])
    teller.load_rows([visited()])
    yield PARTS[0]
    bring(whole)
    teller.load([loads[2], loads[2]])
    bring(fewer)
    bring(whole)
    yield PARTS[1]
    hour = Refresh(TIMEZONE, 3600)
    assert refresh_sessions(client, hour, lambda *_: None)
    JOBS["spend"](client, spend_rows(SPEND))
    for experiment in experiments_in_force(client):
        refresh(client, experiment, AS_OF)
    compute_markov(client, Period("course", "passed", date(2024, 7, 29), AS_OF, 30))
    forgotten = forget(client, "user-7")
    assert forgotten.removed["events_raw"] > 0
    yield LAST


def views(client: Client, names: Sequence[str] = ()) -> dict[str, list[str]]:
    """Read views whole, all if none is named, sorted; when something was computed is left out."""
    found = {}
    for name, asked in asked_of():
        if names and name not in names:
            continue
        rows = client.query(f"SELECT * FROM {asked}")
        kept = [n for n, column in enumerate(rows.column_names) if column not in _CLOCK]
        found[name] = sorted(repr([_steady(row[n]) for n in kept]) for row in rows.result_rows)
    return found


def asked_of() -> Iterator[tuple[str, str]]:
    """Give each view's name, and how it is asked, with parameters where it has some."""
    for view in VIEWS:
        text = (ROOT / "views" / f"{view}.sql").read_text(encoding="utf-8")
        name = view.partition("/")[2]
        parameters = dict.fromkeys(one for one, _ in _PARAMETER.findall(text))
        of_view = [given for start, given in _ASKED_OF.items() if view.startswith(start)]
        values = _ASKED | (of_view[0] if of_view else {})
        asked = ", ".join(f"{one} = {values.get(one, 7)}" for one in parameters)
        yield name, f"{name}({asked})" if asked else name


def _steady(value: Any) -> Any:
    """Put amounts of a unit in order, which are read in any, and round what any order sums up."""
    if isinstance(value, float):
        return float(f"{value:.9g}")
    pairs = isinstance(value, list) and value and isinstance(value[0], tuple)
    return sorted(value) if pairs else value


def main(where: str, folder: Path, result: Path, parts: Sequence[str]) -> None:
    """Tell the tale to one machine or to two shards, and write what views say after some parts."""
    place = Warehouse(folder)
    over = {"single": partial(connect, place), "shards": partial(connect_shards, folder)}[where]
    client = over()
    list(migrate(client, TIMEZONE, CLUSTER if where == "shards" else ""))
    teller = Teller(over, folder, Refresh(TIMEZONE))
    told = {part: views(client) for part in tell(client, teller) if part in parts}
    result.write_bytes(orjson.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4:])
