"""The command that judges rejected events again, and lands those that pass."""

from collections import deque
from collections.abc import Iterator, Sequence
from string import Template
from typing import TYPE_CHECKING, Annotated

import typer

from funnelhouse.command_line.escaping import printable
from funnelhouse.command_line.options import with_settings
from funnelhouse.ingest.validation.rejection import Reason
from funnelhouse.settings import Settings

if TYPE_CHECKING:
    from funnelhouse.command_line.warehouse_access import Access
    from funnelhouse.ingest.validation.replay import Group, RejectedEvent, Tally

_MOST_GROUPS = 20
_PAGE = Template(
    """
    SELECT
        arrival, source, server, toString(event_id) AS event_id, event_type,
        toUnixTimestamp64Micro(sent_at) AS sent_at, payload, user_agent, ip, page, reason, path,
        sent_name
    FROM rejected_events
    WHERE arrival > $after AND reason IN ($reasons) AND ($name = '' OR sent_name = $name)
    ORDER BY arrival
    LIMIT 5000 WITH TIES
    """
)


@with_settings
def replay(
    settings: Settings,
    *,
    reason: Annotated[
        Reason | None, typer.Option(help="Only events that were rejected for this reason.")
    ] = None,
    event: Annotated[str, typer.Option(help="Only events of this name, as it was sent.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell, and change nothing.")] = False,
) -> int:
    """Judge rejected events again by today's plan; those that pass land once."""
    from funnelhouse.command_line.warehouse_access import open_warehouse  # noqa: PLC0415 - quick --help
    from funnelhouse.ingest.log.disk import LOCAL_DISK  # noqa: PLC0415 - quick --help
    from funnelhouse.ingest.validation.replay import Tally, passing, respool  # noqa: PLC0415 - quick --help
    from funnelhouse.processes.worker import rules_of  # noqa: PLC0415 - quick --help

    rules = rules_of(settings)
    tally = Tally()
    with open_warehouse(settings) as access:
        pages = _pages(access, [reason] if reason else list(Reason), event)
        batches = passing(pages, rules, tally)
        if dry_run:
            deque(batches, maxlen=0)
        else:
            respool(batches, settings.spool, LOCAL_DISK)
    for name, count in sorted(tally.judged.items()):
        typer.echo(f"{name}: {tally.passed[name]} of {count} pass now")
        for (_, sent_name, path), some in _largest(tally, name):
            passed = tally.groups_passed[name, sent_name, path]
            typer.echo(printable(f"  {sent_name or '(no name)'} at {path}: {passed} of {some}"))
    done = "would land" if dry_run else "are in the spool and land as the product runs"
    typer.echo(f"{tally.passed.total()} of {tally.judged.total()} rejected events {done}.")
    return 0


def _largest(tally: "Tally", reason: str) -> "list[tuple[Group, int]]":
    """List the groups of a reason, the largest first."""
    groups = (item for item in tally.groups_judged.items() if item[0][0] == reason)
    return sorted(groups, key=lambda item: (-item[1], item[0]))[:_MOST_GROUPS]


def _pages(
    access: "Access", reasons: Sequence[Reason], event: str
) -> Iterator[list["RejectedEvent"]]:
    """Read the rejected events, oldest first; events of one arrival number stay on one page."""
    import pyarrow as pa  # noqa: PLC0415 - quick --help

    from funnelhouse.ingest.validation.replay import read_rejected  # noqa: PLC0415 - quick --help

    listed = ", ".join(f"'{reason}'" for reason in reasons)
    after = 0
    while True:
        name = "'" + event.replace("\\", "\\\\").replace("'", "\\'") + "'"
        statement = _PAGE.substitute(after=after, reasons=listed, name=name)
        with pa.ipc.open_stream(access.query(statement, "ArrowStream")) as stream:
            page = read_rejected(stream.read_all())
        if not page:
            return
        after = page[-1].arrival
        yield page
