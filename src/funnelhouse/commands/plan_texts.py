"""The commands that tell of a plan: what changed, a page to read, types, a drafted schema."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import orjson
import typer

from funnelhouse.command_line.escaping import printable
from funnelhouse.command_line.options import with_settings
from funnelhouse.settings import Settings

if TYPE_CHECKING:  # quick --help
    from funnelhouse.schemas.registry import Plan

Output = Annotated[Path | None, typer.Option(help="Write into this file.")]


@with_settings
def diff(
    _settings: Settings,
    *,
    old: Annotated[Path, typer.Argument(help="Folder of the plan before.")],
    new: Annotated[Path, typer.Argument(help="Folder of the plan after.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """Say what one plan changes of another, breaking or additive; exit status 1 if any breaks."""
    from funnelhouse.schemas.difference import changes  # noqa: PLC0415 - quick --help
    from funnelhouse.schemas.registry import load_events  # noqa: PLC0415 - quick --help

    found = list(changes(load_events(old).events, load_events(new).events))
    if as_json:
        rows = [{"event": one.event, "kind": one.kind, "told": one.told} for one in found]
        typer.echo(orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode())
    else:
        for one in found:
            typer.echo(printable(f"{one.kind:9} {one.event}: {one.told}"))
        if not found:
            typer.echo("The events are the same.")
    return 1 if any(one.kind == "breaking" for one in found) else 0


@with_settings
def docs(settings: Settings, *, output: Output = None) -> int:
    """Write the plan as a page to read, with an example of each event."""
    from funnelhouse.schemas.plan_page import plan_page  # noqa: PLC0415 - quick --help
    from funnelhouse.schemas.registry import load_plan  # noqa: PLC0415 - quick --help

    plan = load_plan(settings.plan)
    events = {name: (one.family, one.version, one.document) for name, one in _newest(plan).items()}
    _write(plan_page(events, plan.coverage), output)
    return 0


@with_settings
def types(
    settings: Settings,
    *,
    language: Annotated[
        Literal["typescript", "python"], typer.Argument(help="For code in which language.")
    ],
    output: Output = None,
) -> int:
    """Write the types of the plan's events."""
    from funnelhouse.schemas.code_types import python, typescript  # noqa: PLC0415 - quick --help
    from funnelhouse.schemas.registry import load_events  # noqa: PLC0415 - quick --help

    newest = _newest(load_events(settings.plan))
    documents = {name: one.document for name, one in newest.items()}
    _write(typescript(documents) if language == "typescript" else python(documents), output)
    return 0


@with_settings
def infer(
    settings: Settings,
    *,
    event: Annotated[str, typer.Argument(help="The name, as it is sent.")],
    family: Annotated[str, typer.Option(help="Folder of the events it belongs to.")] = "page",
    since: Annotated[str, typer.Option(help="From when on: 1h, 7d or a time.")] = "7d",
    output: Output = None,
) -> int:
    """Draft the schema of an event from those that came, taken or rejected."""
    from funnelhouse.command_line.since import began  # noqa: PLC0415 - quick --help
    from funnelhouse.command_line.warehouse_access import open_warehouse  # noqa: PLC0415 - quick --help
    from funnelhouse.schemas.inference import draft  # noqa: PLC0415 - quick --help

    first = int(began(since, settings.timezone).timestamp() * 1_000_000) << 12
    with open_warehouse(settings) as access:
        lines = access.query(_SEEN.format(name=_literal(event), first=first), "JSONEachRow")
    sent = [_properties(orjson.loads(line)) for line in lines.splitlines()]
    if not sent:
        raise ValueError(
            f'No event "{event}" came since then; correct the name, or look further back by'
            " --since 30d."
        )
    schema = draft(event, family, sent)
    text = orjson.dumps(schema, option=orjson.OPT_INDENT_2).decode() + "\n"
    _write(text, output)
    return 0


_SEEN = """
SELECT properties, '' AS payload
FROM events
WHERE (source, event_id) IN (
    SELECT source, event_id FROM seen_events WHERE arrival >= {first} AND sent_name = {name}
)
LIMIT 1000
UNION ALL
SELECT '', payload
FROM rejected_events
WHERE arrival >= {first} AND sent_name = {name} AND reason IN ('unknown_event', 'schema')
LIMIT 1000
"""


def _literal(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _properties(row: dict[str, Any]) -> dict[str, Any]:
    if row["properties"]:
        found: Any = orjson.loads(row["properties"])
    else:
        item = orjson.loads(row["payload"])
        found = item.get("properties") or item.get("traits") or {}
    return found if isinstance(found, dict) else {}


def _newest(plan: "Plan") -> dict[str, Any]:
    return {name: list(versions.values())[-1] for name, versions in plan.events.items()}


def _write(text: str, output: Path | None) -> None:
    if output is None:
        typer.echo("\n".join(map(printable, text.rstrip("\n").split("\n"))))
    else:
        output.write_text(text, encoding="utf-8")
