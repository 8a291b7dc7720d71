"""Types of the plan's events, for those who send them: TypeScript and Python."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from funnelhouse.schemas.names import fold

_NAME = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")
_TYPESCRIPT = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean"}
_PYTHON = {"string": "str", "integer": "int", "number": "float", "boolean": "bool"}


def typescript(documents: Mapping[str, Mapping[str, Any]]) -> str:
    """Write an interface an event, and the type of `track` over all of them."""
    lines = ["// Made by `funnelhouse plan types`; edit the plan, not this file.", ""]
    for name, schema in sorted(documents.items()):
        lines += [*_comment(schema), f"export interface {class_name(name)} {{"]
        lines += [
            f"  {_key(key)}{'' if required else '?'}: {_typescript(inner)};"
            for key, inner, required in _properties(schema)
        ]
        lines += ["  [more: string]: unknown;" if _is_open(schema) else "", "}", ""]
    lines.append("export interface Events {")
    lines += [f"  {_key(name)}: {class_name(name)};" for name in sorted(documents)]
    lines += [
        "}",
        "",
        "export type Track = <Name extends keyof Events>(",
        "  event: Name,",
        "  properties: Events[Name],",
        ") => void;",
        "",
    ]
    return "\n".join(lines)


def python(documents: Mapping[str, Mapping[str, Any]]) -> str:
    """Write a TypedDict an event, by the functional form where a name is no name of Python."""
    lines = [
        '"""Made by `funnelhouse plan types`; edit the plan, not this file."""',
        "",
        "from typing import Any, Literal, NotRequired, TypedDict",
        "",
    ]
    for name, schema in sorted(documents.items()):
        entries = [
            f"    {json.dumps(key)}: "
            + (_python(inner) if required else f"NotRequired[{_python(inner)}]")
            + ","
            for key, inner, required in _properties(schema)
        ]
        lines += [f"{class_name(name)} = TypedDict(\n    {json.dumps(class_name(name))},\n    {{"]
        lines += [f"    {entry}" for entry in entries] + ["    },", ")"]
        lines += [f"{_text(schema)}", ""]
    lines.append("EVENTS: dict[str, type] = {")
    lines += [f"    {json.dumps(name)}: {class_name(name)}," for name in sorted(documents)]
    return "\n".join([*lines, "}", ""])


def class_name(event: str) -> str:
    """Spell an event's name as a type's: cta_clicked is CtaClicked."""
    return "".join(part.capitalize() for part in fold(event).split("_")) or "Event"


def _properties(schema: Mapping[str, Any]) -> Iterator[tuple[str, Any, bool]]:
    required = schema.get("required", ())
    for key, inner in schema.get("properties", {}).items():
        yield key, inner, key in required


def _typescript(schema: Any) -> str:  # noqa: PLR0911 - a kind a line
    match schema:
        case {"const": value}:
            return json.dumps(value, ensure_ascii=False)
        case {"enum": values}:
            return " | ".join(json.dumps(value, ensure_ascii=False) for value in values)
        case {"type": list(kinds)}:
            return " | ".join(_typescript({**schema, "type": kind}) for kind in kinds)
        case {"type": "array"}:
            return f"Array<{_typescript(schema.get('items', {}))}>"
        case {"type": "object", "properties": _}:
            inner = "; ".join(
                f"{_key(key)}{'' if required else '?'}: {_typescript(one)}"
                for key, one, required in _properties(schema)
            )
            return f"{{ {inner} }}"
        case {"type": "object"}:
            return "Record<string, unknown>"
        case {"type": "null"}:
            return "null"
        case {"type": kind} if kind in _TYPESCRIPT:
            return _TYPESCRIPT[kind]
    return "unknown"


def _python(schema: Any) -> str:  # noqa: PLR0911 - a kind a line
    match schema:
        case {"const": value}:
            return f"Literal[{value!r}]"
        case {"enum": values} if all(isinstance(value, str | int) for value in values):
            return f"Literal[{', '.join(map(repr, values))}]"
        case {"type": list(kinds)}:
            return " | ".join(_python({**schema, "type": kind}) for kind in kinds)
        case {"type": "array"}:
            return f"list[{_python(schema.get('items', {}))}]"
        case {"type": "object"}:
            return "dict[str, Any]"
        case {"type": "null"}:
            return "None"
        case {"type": kind} if kind in _PYTHON:
            return _PYTHON[kind]
    return "Any"


def _key(name: str) -> str:
    return name if _NAME.fullmatch(name) else json.dumps(name, ensure_ascii=False)


def _comment(schema: Mapping[str, Any]) -> list[str]:
    told = str(schema.get("description", schema.get("title", "")))
    return [f"/** {told.replace('*/', '* /')} */"] if told else []


def _text(schema: Mapping[str, Any]) -> str:
    return json.dumps(str(schema.get("description", schema.get("title", ""))), ensure_ascii=False)


def _is_open(schema: Mapping[str, Any]) -> bool:
    return schema.get("additionalProperties", True) is not False
