"""The events that experiments look for in their units: noted as they come, and from the beginning.

A build is one experiment's rules as its file stands; its rows are made once, by the materialized
view's own SELECT.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
from clickhouse_connect.driver.client import Client

from funnelhouse.sql.backfill import grow, grow_of
from funnelhouse.sql.layout import share
from funnelhouse.sql.refresh import Refresh

Builds = Mapping[str, Sequence[tuple[Any, ...]]]
"""Rules by build, as `signal_rules` of a plan's tables: experiment first, and a day at the end."""

_RULES = ("build", "role", "position", "event_name", "conditions", "by_session", "since")


def signal_rows(builds: Builds, timezone: str) -> list[tuple[Any, ...]]:
    """Give the rows of `signal_rules`; the last value is the moment from which events count."""
    zone = ZoneInfo(timezone)
    return [
        (build, *rule, datetime.combine(since, time(), zone).astimezone(UTC))
        for build, rules in builds.items()
        for _, *rule, since in rules
    ]


def grow_signals(
    client: Client,
    rows: Sequence[tuple[Any, ...]],
    refresh: Refresh,
    earlier: Callable[[], Iterable[pa.Table]],
) -> None:
    """Note what came for the builds of these rules so far, and what comes from now on.

    `earlier` gives events that the warehouse has no more. Safe to repeat after a crash.
    """
    builds = sorted({row[0] for row in rows})
    with refresh.rules:
        known = client.query("SELECT DISTINCT build FROM signal_rules").result_rows
        missing = [row for row in rows if (row[0],) not in known]
        if missing:
            client.insert("signal_rules", missing, column_names=_RULES)
        share(client, "signal_rules")
    grow(client, "experiment_signals_raw", list(builds))
    grow_of(client, "experiment_signals_raw", list(builds), earlier())
