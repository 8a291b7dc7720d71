"""One tale for one machine and for two shards: what both are told, and all that views then say.

Run as a module: `single` or `shards`, a folder, and the file that is written.
"""

import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import yaml
from clickhouse_connect.driver.client import Client

from analysis.experiments import experiments_in_force, refresh
from funnelhouse.jobs import JOBS
from funnelhouse.plan_tables import experiment_tables
from schemas.experiments import experiment_from
from sql.builds import apply_plan
from sql.client import Warehouse, connect
from sql.forget import forget
from sql.settle import Settlement
from sql.timeouts import settle_sessions
from sql.upgrade import ROOT, VIEWS, migrate
from tests.sql.crowd import INTAKES, RULES, Crowd
from tests.sql.history import Road, Told, spend_rows, tables
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
    "run": "''",
    "release": "'1.0'",
}
"""Values of the parameters that views have; 7 for any other."""

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


@dataclass(frozen=True, slots=True)
class Teller:
    """A migrated warehouse with the road into it."""

    connect: Callable[[], Client]
    folder: Path
    settlement: Settlement

    def load(self, loads: list[list[Told]]) -> None:
        """Load histories one after the other, each as a load of its own."""
        road = Road(Warehouse(self.folder), self.folder, self.settlement)
        loader = road.loader(self.connect)
        for number, history in enumerate(loads, start=1):
            road.lay(number, history)
            assert loader.load_once()
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
                ahead = {"id": told.id + 10_000 * number, "came": told.came + 3_600 * number}
                loads.setdefault(nth, []).append(replace(told, **ahead))
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


def tell(client: Client, teller: Teller) -> Iterator[tuple[str, dict[str, list[str]]]]:
    """Tell the whole tale; gives after each of its parts what all views say."""
    crowd = Crowd(1)
    told = partial(views, client)
    others = {"intakes": INTAKES, **experiment_tables([experiment_from(EXPERIMENT)])}
    whole, fewer = tables(RULES, **others), tables(RULES[:4], **others)

    def bring(plan: Any) -> None:
        assert apply_plan(client, plan, teller.settlement, lambda *_: None)

    bring(fewer)
    loads = [crowd.told[start::3] for start in range(3)]
    teller.load([*loads[:2], shown(crowd), *cases()])
    yield "loaded", told()
    bring(whole)
    teller.load([loads[2], loads[2]])
    bring(fewer)
    bring(whole)
    yield "rebuilt, there and back", told()
    hour = Settlement(TIMEZONE, 3600)
    assert settle_sessions(client, hour, lambda *_: None)
    JOBS["spend"](client, spend_rows(SPEND))
    for experiment in experiments_in_force(client):
        refresh(client, experiment, AS_OF)
    forgotten = forget(client, "user-7")
    assert forgotten.removed["events_raw"] > 0
    yield "sessions of an hour, one person forgotten", told()


SPEND = [["camp", "kotlin", "paid_search", date(2024, 8, 5), date(2024, 8, 11), 1000]]


def views(client: Client) -> dict[str, list[str]]:
    """Read every view whole, sorted; what tells when something was computed is left out."""
    found = {}
    for view in VIEWS:
        text = (ROOT / "views" / f"{view}.sql").read_text(encoding="utf-8")
        name = view.partition("/")[2]
        parameters = dict.fromkeys(one for one, _ in _PARAMETER.findall(text))
        asked = ", ".join(f"{one} = {_ASKED.get(one, 7)}" for one in parameters)
        rows = client.query(
            f"SELECT * FROM {name}({asked})" if asked else f"SELECT * FROM {name}",
            column_formats={},
        )
        kept = [n for n, column in enumerate(rows.column_names) if column not in _CLOCK]
        found[name] = sorted(repr([_steady(row[n]) for n in kept]) for row in rows.result_rows)
    return found


def _steady(value: Any) -> Any:
    """Put amounts of a unit in order, which are read in any."""
    pairs = isinstance(value, list) and value and isinstance(value[0], tuple)
    return sorted(value) if pairs else value


_CLOCK = {"computed_at", "imported_at"}


def main(where: str, folder: Path, result: Path) -> None:
    """Tell the tale to one machine or to two shards, and write what views say."""
    place = Warehouse(folder)
    over = {"single": partial(connect, place), "shards": partial(connect_shards, folder)}[where]
    client = over()
    list(migrate(client, TIMEZONE, CLUSTER if where == "shards" else ""))
    teller = Teller(over, folder, Settlement(TIMEZONE))
    told = dict(tell(client, teller))
    result.write_bytes(orjson.dumps(told | {"at": datetime.now(UTC)}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
