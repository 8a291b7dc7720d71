"""The matrix of coverage, and one cell of it: what arrived of the plan, and what did not."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from clickhouse_connect.driver.client import Client

from funnelhouse.analysis.coverage import covered_percent
from funnelhouse.console.pages.site import rows

_COVERAGE = """
SELECT *
FROM coverage_between(run = {run:String}, since = {since:String}, until = {until:String})
"""
_VARIANTS = """
SELECT *
FROM coverage_by_variant_between(run = {run:String}, since = {since:String}, until = {until:String})
"""
_REJECTIONS = """
SELECT reason, path, event_name, sent_name, source, page_host, page_path, release, events,
    first_seen, last_seen, detail, example
FROM rejections_between(run = {run:String}, since = {since:String}, until = {until:String})
LIMIT 50
"""
_UNPLANNED = """
SELECT sent_name, source, page_host, page_path, events, events_rejected, nearest, last_seen
FROM unplanned_events_between(run = {run:String}, since = {since:String}, until = {until:String})
LIMIT 50
"""
_ANOMALIES = """
SELECT hour, source, event_name, events, expected, status
FROM volume_anomalies_between(since = {since:String}, until = {until:String})
LIMIT 50
"""
_REJECTED_HERE = """
SELECT received_at, reason, path, detail, page_url, release, payload
FROM rejected_between(run = {run:String}, since = {since:String}, until = {until:String})
WHERE (source, arrival) IN (
    SELECT source, arrival
    FROM placed_between(run = {run:String}, since = {since:String}, until = {until:String})
    WHERE coverage = {coverage:String} AND event_name = {event:String} AND reason != ''
)
ORDER BY received_at DESC
LIMIT 20
"""
_SEEN_HERE = """
SELECT source, arrival
FROM placed_between(run = {run:String}, since = {since:String}, until = {until:String})
WHERE coverage = {coverage:String} AND event_name = {event:String} AND reason = ''
ORDER BY arrival DESC
LIMIT 20
"""
_EVENTS = """
SELECT received_at, page_url, release, properties
FROM seen_between(run = {run:String}, since = {since:String}, until = {until:String}) AS seen
INNER JOIN events ON seen.source = events.source AND seen.event_id = events.event_id
WHERE seen.arrival IN {arrivals:Array(UInt64)}
ORDER BY seen.arrival DESC
"""
_RUN_EVENTS = """
SELECT received_at, page_url, release, properties
FROM run_events
WHERE run = {run:String} AND arrival IN {arrivals:Array(UInt64)}
ORDER BY arrival DESC
"""


def matrix(client: Client, given: Mapping[str, str]) -> dict[str, Any]:
    """Give the plan's places with their events, and what else is off, for the views' parameters."""
    covered = rows(client, _COVERAGE, **given)
    variants: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in rows(client, _VARIANTS, **given):
        variants[row["coverage"], row["event"]].append(row)
    places: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in covered:
        places[row["coverage"]].append(
            row | {"of_variants": variants[row["coverage"], row["event"]]}
        )
    anomalies = {name: given[name] for name in ("since", "until")}
    rejections, unplanned = (rows(client, text, **given) for text in (_REJECTIONS, _UNPLANNED))
    return {
        "places": dict(places),
        "percent": covered_percent(covered),
        "anything": any(row["events"] for row in (*covered, *rejections, *unplanned)),
        "rejections": rejections,
        "unplanned": unplanned,
        "anomalies": [] if given["run"] else rows(client, _ANOMALIES, **anomalies),
    }


def cell(client: Client, given: Mapping[str, str], names: Mapping[str, str]) -> dict[str, Any]:
    """Give examples of one event at one place, good and rejected."""
    asked = {**given, **names}
    arrivals = [row["arrival"] for row in rows(client, _SEEN_HERE, **asked)]
    statement = _RUN_EVENTS if given["run"] else _EVENTS
    good = rows(client, statement, **given, arrivals=arrivals) if arrivals else []
    return {"good": good, "bad": rows(client, _REJECTED_HERE, **asked)}
