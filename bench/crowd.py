"""A warehouse full of a crowd's events, made inside the engine and refreshed load by load."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from string import Template
from typing import Any

import clickhouse_connect
import pyarrow as pa
from clickhouse_connect.driver.client import Client

from funnelhouse.plan.plan_tables import tables_of
from funnelhouse.schemas.registry import load_plan
from funnelhouse.settings import Settings
from funnelhouse.sql.builds import PlanTables, apply_plan
from funnelhouse.sql.client import DATABASE, EXACT
from funnelhouse.sql.refresh import BATCH_COLUMNS, Refresh

FUNNEL = "bootcamp_short"
EXPERIMENT = "oopy_guide"
UNTIL = datetime(2024, 12, 30, tzinfo=UTC)
"""When the year of the crowd ends."""

_CROWD = Path(__file__).with_name("crowd.sql").read_text(encoding="utf-8")
_EXPOSURES = Template(Path(__file__).with_name("exposures.sql").read_text(encoding="utf-8"))
_SHOWN = _EXPOSURES.substitute(crowd=_CROWD)
_LOAD = 500_000
_DUPLICATES = 100
_CONFIG = """<clickhouse>
    <query_log><database>system</database><table>query_log</table></query_log>
</clickhouse>
"""


@contextmanager
def warehouse(folder: Path) -> Iterator[Client]:
    """Open the engine in a folder, with the log of what each query read and took."""
    config = folder / "config.xml"
    config.write_text(_CONFIG, encoding="utf-8")
    place: dict[str, Any] = {
        "interface": "chdb",
        "path": str(folder / "warehouse"),
        "chdb_options": {"config-file": str(config)},
    }
    with clickhouse_connect.get_client(**place) as client:
        client.command(f"CREATE DATABASE IF NOT EXISTS {DATABASE} ENGINE = Atomic")
    settings = dict(EXACT)
    with clickhouse_connect.get_client(**place, database=DATABASE, settings=settings) as client:
        yield client


def bring_plan(client: Client, refresh: Refresh) -> None:
    """Bring the shipped plan into force, cut down to the crowd's funnel and experiment."""
    whole = tables_of(load_plan(Settings().plan))
    plan = PlanTables(
        rules=[rule for rule in whole.rules if rule[0] == FUNNEL],
        funnels=[funnel for funnel in whole.funnels if funnel[0] == FUNNEL],
        intakes=[intake for intake in whole.intakes if intake[0] == FUNNEL],
        targets=[target for target in whole.targets if target[0] == FUNNEL],
        actions=[action for action in whole.actions if FUNNEL in action],
        experiments=[row for row in whole.experiments if row[0] == EXPERIMENT],
        experiment_metrics=[row for row in whole.experiment_metrics if row[0] == EXPERIMENT],
        experiment_events=[row for row in whole.experiment_events if row[0] == EXPERIMENT],
        signal_rules=[row for row in whole.signal_rules if row[0] == EXPERIMENT],
    )
    apply_plan(client, plan, refresh, lambda *_: None)


class Crowd:
    """So many events of a crowd: a tenth as many people, 1 % duplicates received days later."""

    def __init__(self, client: Client, refresh: Refresh, events: int) -> None:
        self._client = client
        self._refresh = refresh
        self._events = events
        self._visits = 0

    def fill(self) -> None:
        """Load everybody's events, then the duplicates."""
        for first in range(0, self._events, _LOAD):
            self._load(first=first, events=min(_LOAD, self._events))
        self._load(events=self._events, every=_DUPLICATES, late_days=3)

    def visit(self, events: int) -> float:
        """Load so many new events of people drawn from the crowd; seconds of their refresh."""
        self._visits += 1
        return self._load(events=events, visit=self._visits)

    def _load(self, **changes: int) -> float:
        """Insert and refresh a load; `changes` are parameters of crowd.sql."""
        plain = {"first": 0, "every": 1, "late_days": 0, "visit": 0, "crowd": self._events}
        parameters = plain | changes | {"until": UNTIL}
        loaded = [self._insert(statement, parameters) for statement in (_CROWD, _SHOWN)]
        touched = pa.concat_tables(table.unify_dictionaries() for table in loaded)
        started = time.monotonic()
        self._refresh.load(self._client, touched)
        return time.monotonic() - started

    def _insert(self, statement: str, parameters: dict[str, Any]) -> pa.Table:
        """Insert the events of a statement, and return what a refresh asks of them."""
        described = self._client.query(f"DESCRIBE TABLE ({statement})", parameters=parameters)
        columns = ", ".join(column[0] for column in described.result_rows)
        self._client.command(
            f"INSERT INTO events_raw ({columns}) {statement}", parameters=parameters
        )
        return self._client.query_arrow(
            f"SELECT {', '.join(BATCH_COLUMNS)} FROM ({statement})",  # noqa: S608 - our own text
            parameters=parameters,
        )
