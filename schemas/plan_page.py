"""The tracking plan as a page to read: each event with its properties and an example."""

import json
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from funnelhouse.schemas.coverage import Expectation


def plan_page(
    events: Mapping[str, tuple[str, str, Mapping[str, Any]]], expected: Sequence[Expectation] = ()
) -> str:
    """Write events by name (family, newest version, schema) and what is expected where."""
    parts = ["# Tracking plan\n"]
    by_family = sorted(events.items(), key=lambda item: (item[1][0], item[0]))
    for family, some in groupby(by_family, key=lambda item: item[1][0]):
        parts.append(f"\n## {family}\n")
        parts += [_event(name, version, schema) for name, (_, version, schema) in some]
    if expected:
        parts.append("\n## Where events are expected\n")
        parts += _expected(expected)
    return "".join(parts)


def _event(name: str, version: str, schema: Mapping[str, Any]) -> str:
    label = f" ({schema['x-label-ko']})" if "x-label-ko" in schema else ""
    told = schema.get("description", "")
    lines = [f"\n### {name}{_cell(label)}\n\n{_cell(told)} Version {version}.\n\n"]
    if schema.get("properties"):
        lines.append("| property | type | required | meaning |\n|---|---|---|---|\n")
        required = schema.get("required", ())
        for key, inner in schema["properties"].items():
            wanted = "yes" if key in required else ""
            lines.append(f"| `{_cell(key)}` | {_kind(inner)} | {wanted} | {_meaning(inner)} |\n")
    for example in list(schema.get("examples", ()))[:1]:
        text = json.dumps(example, ensure_ascii=False, indent=2)
        lines.append(f"\n```json\n{text}\n```\n")
    return "".join(lines)


def _kind(schema: Any) -> str:
    if not isinstance(schema, Mapping):
        return "any"
    if "enum" in schema:
        return _cell(
            ", ".join(f"`{json.dumps(one, ensure_ascii=False)}`" for one in schema["enum"])
        )
    kind = schema.get("type", "any")
    return " or ".join(kind) if isinstance(kind, list) else str(kind)


def _meaning(schema: Any) -> str:
    if not isinstance(schema, Mapping):
        return ""
    personal = " Personal: kept as a hash." if schema.get("x-personal") else ""
    return _cell(f"{schema.get('description', '')}{personal}".strip())


def _cell(text: str) -> str:
    return str(text).replace("|", "\\|").replace("\n", " ")


def _expected(expected: Sequence[Expectation]) -> list[str]:
    lines = []
    for place, some in groupby(expected, key=lambda one: one.coverage):
        rows = list(some)
        where = ", ".join(page.replace("%", "*") for page in rows[0].pages) or "any page"
        source = f" of `{rows[0].source}`" if rows[0].source else ""
        lines.append(f"\n### {place}\n\n{_cell(rows[0].title)}: {_cell(where)}{source}.\n\n")
        lines.append("| event | with | from release | in each variant of |\n|---|---|---|---|\n")
        lines += [
            f"| {' | '.join((row.event, ', '.join(row.properties), row.from_release))}"
            f" | {row.experiment} |\n"
            for row in rows
        ]
    return lines
