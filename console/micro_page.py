"""One page of flat events as Snowplow Micro gives it: filtered, sorted, cut."""

from math import ceil
from typing import Any

from funnelhouse.console.micro_events import has_columns


def page_of(found: list[dict[str, Any]], asked: dict[str, Any]) -> dict[str, Any]:
    """Give the page that was asked for, with how many events and pages there are.

    Raises:
        ValueError: the page or its size is no whole number from 1 on.
    """
    filters, times = asked.get("filters") or [], asked.get("timeRange") or {}
    sorting = asked.get("sorting") or {"column": "collector_tstamp", "desc": True}
    size, number = _whole(asked, "pageSize", 50), _whole(asked, "page", 1)
    kept = [
        one
        for one in found
        if has_columns(one, filters)
        and (times.get("start") or "") <= one["collector_tstamp"] < (times.get("end") or "9")
    ]
    column = str(sorting.get("column"))
    kept.sort(key=lambda one: str(one.get(column) or ""), reverse=bool(sorting.get("desc")))
    return {
        "events": kept[(number - 1) * size : number * size],
        "totalItems": len(kept),
        "totalPages": ceil(len(kept) / size),
    }


def _whole(asked: dict[str, Any], name: str, default: int) -> int:
    value = asked.get(name, default)
    if type(value) is not int or value < 1:
        raise ValueError(f'"{name}" must be a whole number from 1 on.')
    return value


def limited(found: list[dict[str, Any]], filters: dict[str, Any]) -> list[dict[str, Any]]:
    """Keep as many as the filters want.

    Raises:
        ValueError: that is no whole number from 1 on.
    """
    limit = filters.get("limit")
    return found if limit is None else found[: _whole(filters, "limit", 1)]
