"""Charts as SVG, drawn by Vega-Lite in the process; colours are of the page around them."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

from markupsafe import Markup

Rows = Sequence[dict[str, Any]]
_PALETTE = ["#2a78c2", "#d1495b", "#c78a10", "#3b8f6b", "#8757b5"]
_CONFIG: dict[str, Any] = {
    "background": None,
    "view": {"stroke": None},
    "axis": {
        "labelColor": "currentColor",
        "titleColor": "currentColor",
        "gridColor": "#88888844",
        "domainColor": "currentColor",
        "tickColor": "currentColor",
        "labelFontSize": 12,
    },
    "legend": {"labelColor": "currentColor", "titleColor": "currentColor"},
    "range": {"category": _PALETTE},
    "text": {"color": "currentColor"},
}
_SPOKEN = re.compile(r' (?:role|aria-[a-z]+)="[^"]*"')
_one_at_a_time = Lock()


def draw(spec: dict[str, Any], told: str) -> Markup:
    """Draw a Vega-Lite specification; `told` is what a screen reader says of it."""
    # The library brings an engine of its own, which takes a while to load.
    import vl_convert  # noqa: PLC0415

    with _one_at_a_time:
        svg = vl_convert.vegalite_to_svg(spec | {"config": _CONFIG})
    label = Markup.escape(told)
    # What the drawing says of itself, mark by mark, would be read out in full.
    inner = _SPOKEN.sub("", svg)
    return Markup('<div class="chart" role="img" aria-label="{}">{}</div>').format(
        label,
        Markup(inner),  # noqa: S704 - written by the library, which escapes texts
    )


def by_minute(rows: Rows, told: str) -> Markup:
    """Draw counts by minute of an hour, stacked by outcome: minute (UTC), outcome and events."""
    last = datetime.fromisoformat(max(row["minute"] for row in rows))
    span = [(last - timedelta(minutes=59)).isoformat(), (last + timedelta(minutes=1)).isoformat()]
    return draw(
        {
            "width": 720,
            "height": 160,
            "data": {"values": list(rows)},
            "mark": {"type": "bar", "width": 9},
            "encoding": {
                "x": {
                    "field": "minute",
                    "type": "temporal",
                    "title": None,
                    "scale": {"type": "utc", "domain": span},
                    "axis": {"format": "%H:%M"},
                },
                "y": {"field": "events", "type": "quantitative", "title": None},
                "color": {"field": "outcome", "type": "nominal", "title": None},
            },
        },
        told,
    )


def bars(rows: Rows, told: str) -> Markup:
    """Draw one bar a name in the order given, with its text at the end: name, value, text."""
    order = [row["name"] for row in rows]
    encoding = {
        "y": {"field": "name", "type": "nominal", "sort": order, "title": None},
        "x": {"field": "value", "type": "quantitative", "title": None, "axis": None},
    }
    return draw(
        {
            "width": 560,
            "height": {"step": 26},
            "data": {"values": list(rows)},
            "encoding": encoding,
            "layer": [
                {"mark": {"type": "bar", "color": _PALETTE[0], "height": 18}},
                {
                    "mark": {"type": "text", "align": "left", "dx": 4},
                    "encoding": {"text": {"field": "text"}},
                },
            ],
        },
        told,
    )


def intervals(rows: Rows, told: str) -> Markup:
    """Draw a figure over days with its interval, a colour a variant: day, variant, low, high."""
    color = {"field": "variant", "type": "nominal", "title": None}
    x = {"field": "day", "type": "temporal", "title": None}
    return draw(
        {
            "width": 560,
            "height": 180,
            "data": {"values": list(rows)},
            "layer": [
                {"mark": {"type": "rule", "strokeDash": [4, 4]}, "encoding": {"y": {"datum": 0}}},
                {
                    "mark": {"type": "area", "opacity": 0.25},
                    "encoding": {
                        "x": x,
                        "y": {"field": "low", "type": "quantitative", "title": None},
                        "y2": {"field": "high"},
                        "color": color,
                    },
                },
                {
                    "mark": {"type": "line", "point": True},
                    "encoding": {
                        "x": x,
                        "y": {"field": "value", "type": "quantitative"},
                        "color": color,
                    },
                },
            ],
        },
        told,
    )


def of_result(rows: Rows, columns: Sequence[str], kinds: Sequence[str], told: str) -> Markup:
    """Draw a result's second column over its first: a line over times, else bars."""
    temporal = kinds[0].startswith("Date")
    return draw(
        {
            "width": 720,
            "height": 220,
            "data": {"values": [{"x": row[columns[0]], "y": row[columns[1]]} for row in rows]},
            "mark": {"type": "line", "point": True} if temporal else {"type": "bar"},
            "encoding": {
                "x": {
                    "field": "x",
                    "type": "temporal" if temporal else "nominal",
                    "sort": None,
                    "title": columns[0],
                },
                "y": {"field": "y", "type": "quantitative", "title": columns[1]},
            },
        },
        told,
    )
