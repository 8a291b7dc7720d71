"""The command that waits for an event, so that no test script sleeps."""

from typing import Annotated, Any

import orjson
import typer

from funnelhouse.command_line.escaping import printable
from funnelhouse.command_line.options import with_settings
from funnelhouse.settings import Settings

_REFUSED = 400


@with_settings
def expect(  # noqa: PLR0913 - an option each
    settings: Settings,
    *,
    event: Annotated[str, typer.Argument(help="Its name.")],
    properties: Annotated[
        list[str] | None, typer.Argument(help="Properties as name=value, the value JSON or text.")
    ] = None,
    run: Annotated[str, typer.Option(help="The test run that it belongs to.")] = "",
    within_ms: Annotated[int, typer.Option(help="How long to wait.", min=0, max=120_000)] = 10_000,
    count: Annotated[int, typer.Option(help="How many of it.", min=1)] = 1,
    unplanned: Annotated[
        bool, typer.Option("--unplanned", help="The plan need not have it.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole answer.")] = False,
) -> int:
    """Wait until an event can be queried; else say which came closest and why it is another."""
    import httpx  # noqa: PLC0415 - quick --help

    asked = {
        "event": event,
        "properties": dict(map(_property, properties or [])),
        "run": run,
        "within_ms": within_ms,
        "count": count,
        "unplanned": unplanned,
    }
    key = next(iter(sorted(settings.readers)), "")
    with httpx.Client(trust_env=False, timeout=within_ms / 1000 + 30) as http:
        headers = {"authorization": f"Bearer {key}"} if key else {}
        answer = http.post(f"http://{settings.console}/qa/expect", json=asked, headers=headers)
    if answer.status_code == _REFUSED:
        raise ValueError(answer.text)
    answer.raise_for_status()
    _tell(answer.json(), event, as_json=as_json)
    return 0 if answer.json()["matched"] else 1


def _property(written: str) -> tuple[str, Any]:
    name, equals, value = written.partition("=")
    if not equals or not name:
        raise ValueError(f'"{written}" is no property; write name=value, such as track=kotlin.')
    try:
        return name, orjson.loads(value)
    except orjson.JSONDecodeError:
        return name, value


def _tell(answer: dict[str, Any], event: str, *, as_json: bool) -> None:
    if as_json:
        typer.echo(orjson.dumps(answer, option=orjson.OPT_INDENT_2).decode())
    elif answer["matched"]:
        typer.echo(printable(orjson.dumps(answer["events"][-1]).decode()))
    else:
        typer.echo(printable(f"No such {event} came in time."), err=True)
        for one in answer["why"]:
            typer.echo(printable(f"  {one}"), err=True)
        if answer["closest"] is not None:
            typer.echo(printable(f"  {orjson.dumps(answer['closest']).decode()}"), err=True)
