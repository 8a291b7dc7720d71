"""The events that experiments look for in their units: noted as they come, and from the beginning.

A build is one experiment's rules as its file stands; its rows are made once, by the materialized
view's own SELECT.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from clickhouse_connect.driver.client import Client

from sql.growth import grow
from sql.layout import share
from sql.settle import Settlement

Builds = Mapping[str, Sequence[tuple[Any, ...]]]
"""Rules by build, as `signal_rules` of a plan's tables: experiment first, and a day at the end."""

_RULES = ("build", "role", "position", "event_name", "conditions", "by_session", "since")


def grow_signals(client: Client, builds: Builds, settlement: Settlement) -> None:
    """Note what came for these builds so far, and what comes from now on.

    Safe to repeat after a crash.
    """
    zone = ZoneInfo(settlement.timezone)
    rows = [
        (build, *rule, datetime.combine(since, time(), zone).astimezone(UTC))
        for build, rules in builds.items()
        for _, *rule, since in rules
    ]
    with settlement.rules:
        known = client.query("SELECT DISTINCT build FROM signal_rules").result_rows
        missing = [row for row in rows if (row[0],) not in known]
        if missing:
            client.insert("signal_rules", missing, column_names=_RULES)
        share(client, "signal_rules")
    grow(client, "experiment_signals_raw", list(builds))
