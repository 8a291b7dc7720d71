"""Settings as options of commands, and as the table that documents them; both from the model."""

import inspect
import os
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from functools import wraps
from typing import Annotated, Any, Concatenate, ParamSpec, TypeVar

import typer
from rich.markup import escape

from funnelhouse.settings import SHIPPED_PLAN, Settings

PREFIX = "FUNNELHOUSE_"
_OF_TESTS = {f"{PREFIX}{name}" for name in ("URL", "KEY", "READ_KEY")}
_ALIKE = 0.85
"""How alike two names are that are one and its misspelling, by difflib's ratio."""
Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def with_settings(
    command: Callable[Concatenate[Settings, Arguments], Result],
) -> Callable[..., Result]:
    """Give a command every setting as an option, beside options of its own.

    The command's first parameter takes the settings; an option wins over its environment
    variable, which wins over the default. Raises pydantic's ValidationError for a wrong value.
    """
    own = list(inspect.signature(command).parameters.values())[1:]
    names = tuple(Settings.model_fields)

    @wraps(command)
    def with_options(**values: Any) -> Result:
        for wrong, meant in misspelt(os.environ).items():
            typer.echo(f"{wrong} is no setting and changes nothing; write {meant}.", err=True)
        given = {name: value for name in names if (value := values.pop(name)) is not None}
        return command(Settings(**given), **values)  # type: ignore[call-arg]  # typer's keywords

    parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own]
    parameters += [_parameter(name) for name in names]
    with_options.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    with_options.__annotations__ = {p.name: p.annotation for p in parameters}
    return with_options


def misspelt(environment: Iterable[str]) -> dict[str, str]:
    """Find environment variables that are almost a setting, each with the one probably meant."""
    settings = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    found = {}
    for name in environment:
        if name.startswith(PREFIX) and name not in settings | _OF_TESTS:
            ends = [setting.removeprefix(PREFIX) for setting in sorted(settings)]
            if meant := get_close_matches(name.removeprefix(PREFIX), ends, 1, _ALIKE):
                found[name] = PREFIX + meant[0]
    return found


def settings_table() -> str:
    """Render the settings as a Markdown table, one row a setting, in the order of the model."""
    rows = [
        f"| `{PREFIX}{name.upper()}` | {_shown(name) or 'empty'} | {_cell(field.description)} |"
        for name, field in Settings.model_fields.items()
    ]
    return "\n".join(("| setting | default | meaning |", "|---|---|---|", *rows))


def option_name(setting: str) -> str:
    """Spell a setting as the command line does: max_age_ms is --max-age-ms."""
    return f"--{setting.replace('_', '-')}"


def _parameter(name: str) -> inspect.Parameter:
    field = Settings.model_fields[name]
    option = typer.Option(
        f"{option_name(name)}/--no-{name.replace('_', '-')}"
        if field.annotation is bool
        else option_name(name),
        envvar=f"{PREFIX}{name.upper()}",
        help=escape(f"{field.description} [default: {_shown(name).replace('`', '') or 'empty'}]"),
        show_default=False,
        rich_help_panel="Settings",
    )
    kind: Any = field.annotation
    optional = Annotated[kind | None, option]
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=optional
    )


def _shown(name: str) -> str:
    default = Settings.model_fields[name].default
    if default == SHIPPED_PLAN:
        return "the shipped `schemas/`"
    return f"`{default}`" if str(default) else ""


def _cell(text: str | None) -> str:
    return (text or "").replace("|", "\\|")
