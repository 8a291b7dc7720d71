"""Which conditions of the plan's alerts hold now, and what is new or over since they were told."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from clickhouse_connect.driver.client import Client


@dataclass(frozen=True, slots=True)
class AlertCondition:
    """Something that somebody should know: which alert, about what, and a sentence."""

    alert: str
    subject: str
    title: str
    severity: str
    told: str

    @property
    def key(self) -> tuple[str, str]:
        """Tell one condition from others: its sentence may change while it lasts."""
        return self.alert, self.subject


@dataclass(frozen=True, slots=True)
class AlertChanges:
    """What changed: conditions that began, and those that are over."""

    began: tuple[AlertCondition, ...]
    over: tuple[AlertCondition, ...]


def turn(now: Iterable[AlertCondition], before: Iterable[AlertCondition]) -> AlertChanges:
    """Compare the conditions that hold with those that somebody was told of."""
    holding = {one.key: one for one in now}
    known = {one.key: one for one in before}
    return AlertChanges(
        tuple(one for key, one in holding.items() if key not in known),
        tuple(one for key, one in known.items() if key not in holding),
    )


def conditions(client: Client, oldest_s: float) -> list[AlertCondition]:
    """Evaluate every alert of the plan in force; `oldest_s` is the age of the oldest segment."""
    rules = _rows(client, "SELECT * FROM alerts")
    found: list[AlertCondition] = []
    for rule in rules:
        if rule["kind"] == "spool_age":
            some = list(_spool_age(rule, oldest_s))
        else:
            some = list(_FINDS[rule["kind"]](client, rule))
        found += [
            AlertCondition(rule["alert"], subject, rule["title"], rule["severity"], told)
            for subject, told in some
        ]
    return found


Found = Iterator[tuple[str, str]]
Rule = Mapping[str, Any]


def _spool_age(rule: Rule, oldest_s: float) -> Found:
    if oldest_s > rule["seconds"]:
        yield "spool", f"The oldest segment waits for {oldest_s:.0f} s; is the warehouse there?"


def _coverage_gap(client: Client, rule: Rule) -> Found:
    statement = """
        SELECT coverage, event, status, why
        FROM coverage
        WHERE status IN ('missing', 'broken') AND ({coverage:String} IN ('', coverage))
    """
    for row in _rows(client, statement, coverage=rule["coverage"]):
        yield (
            f"{row['coverage']}/{row['event']}",
            f"{row['event']} is {row['status']}: {row['why']}",
        )


def _silence(client: Client, rule: Rule) -> Found:
    statement = """
        SELECT source, dateDiff('minute', max(minute), now('UTC')) AS quiet
        FROM received_raw
        WHERE {source:String} IN ('', source)
        GROUP BY source
        HAVING quiet >= {minutes:UInt32}
    """
    asked = {name: rule[name] for name in ("source", "minutes")}
    for row in _rows(client, statement, **asked):
        yield row["source"], f"{row['source']} has sent nothing for {row['quiet']} minutes"


def _reject_rate(client: Client, rule: Rule) -> Found:
    statement = """
        WITH
            now64(6, 'UTC') - toIntervalMinute({minutes:UInt32}) AS begin,
            bitShiftLeft(toUInt64(toUnixTimestamp64Micro(begin)), 12) AS first
        SELECT source, sum(good) AS taken, sum(bad) AS refused, refused / (taken + refused) AS share
        FROM
        (
            SELECT source, count() AS good, 0 AS bad
            FROM seen_events
            WHERE hour >= toStartOfHour(toDateTime(begin, 'UTC')) AND arrival >= first
            GROUP BY source
            UNION ALL
            SELECT source, 0, count()
            FROM rejected_events
            WHERE arrival >= first
            GROUP BY source
        )
        WHERE {source:String} IN ('', source)
        GROUP BY source
        HAVING share > {above:Float64} AND taken + refused >= {at_least:UInt32}
    """
    asked = {name: rule[name] for name in ("source", "minutes", "above", "at_least")}
    for row in _rows(client, statement, **asked):
        all_ = row["taken"] + row["refused"]
        told = f"{row['refused']} of {all_} events of {row['source']} were rejected"
        yield row["source"], f"{told} within {rule['minutes']} minutes ({row['share']:.1%})"


def _guardrail_broken(client: Client, rule: Rule) -> Found:
    figures = """
        SELECT funnel, track, metric, from_stage, stage, this_period, last_period, guardrail
        FROM targets_weekly
        WHERE status = 'guardrail broken' AND {funnel:String} IN ('', funnel)
    """
    for row in _rows(client, figures, funnel=rule["funnel"]):
        names = (row["funnel"], row["track"], row["metric"], row["from_stage"], row["stage"])
        subject = "/".join(filter(None, names))
        figure = row["this_period"] if row["last_period"] is None else row["last_period"]
        yield subject, f"{subject} is {figure}, its guardrail {row['guardrail']}"
    readouts = """
        SELECT experiment, argMax(verdict, (as_of, computed_at)) AS reached,
            argMax(why, (as_of, computed_at)) AS reason
        FROM experiment_readouts
        WHERE as_of >= today() - 7
        GROUP BY experiment
        HAVING reached = 'guardrail broken'
    """
    if not rule["funnel"]:
        for row in _rows(client, readouts):
            yield f"experiment/{row['experiment']}", f"{row['experiment']}: {row['reason']}"


def _volume(client: Client, rule: Rule) -> Found:
    statement = """
        SELECT source, event_name, argMax(status, hour) AS state, argMax(events, hour) AS came,
            argMax(expected, hour) AS wanted, max(hour) AS last
        FROM volume_anomalies
        WHERE {source:String} IN ('', source)
        GROUP BY source, event_name
        HAVING last >= now() - INTERVAL 2 HOUR
    """
    for row in _rows(client, statement, source=rule["source"]):
        told = f"{row['event_name']} of {row['source']} is {row['state']}: {row['came']} came"
        yield (
            f"{row['source']}/{row['event_name']}",
            f"{told}, about {row['wanted']:.0f} usually do",
        )


_FINDS: Mapping[str, Callable[[Client, Rule], Found]] = {
    "coverage_gap": _coverage_gap,
    "silence": _silence,
    "reject_rate": _reject_rate,
    "guardrail_broken": _guardrail_broken,
    "volume": _volume,
}


def _rows(client: Client, statement: str, **parameters: Any) -> list[dict[str, Any]]:
    result = client.query(statement, parameters=parameters or None)
    return [dict(zip(result.column_names, row, strict=True)) for row in result.result_rows]
