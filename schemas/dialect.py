"""The dialect of the plan's schemas: JSON Schema 2020-12 with three keywords of the plan's own.

Holds what may be written, walks a schema by its keywords and compiles it.
"""

from collections.abc import Iterator
from typing import Any

from jsonschema_rs import Draft202012Validator, RegexOptions

from schemas.documents import Place

DIALECT = "https://json-schema.org/draft/2020-12/schema"
TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")
FORMATS = """date-time date time duration email idn-email hostname idn-hostname ipv4 ipv6
    uri uri-reference iri iri-reference uri-template
    json-pointer relative-json-pointer regex uuid""".split()  # noqa: SIM905 -- a word list

# Keywords that hold subschemas: one, a list of them, or a mapping to them
# (JSON Schema 2020-12: Core, sections 8.2.4, 10 and 11; Validation, section 8).
_ONE = """additionalProperties items contains propertyNames not if then else
    unevaluatedItems unevaluatedProperties contentSchema""".split()  # noqa: SIM905 -- a word list
_LIST = ("allOf", "anyOf", "oneOf", "prefixItems")
_MAPPING = ("properties", "patternProperties", "dependentSchemas", "$defs")
_OTHER = """$schema $id $ref $anchor $dynamicRef $dynamicAnchor $vocabulary $comment
    type enum const multipleOf maximum exclusiveMaximum minimum exclusiveMinimum
    maxLength minLength pattern maxItems minItems uniqueItems maxContains minContains
    maxProperties minProperties required dependentRequired
    title description default deprecated readOnly writeOnly examples
    format contentEncoding contentMediaType
    x-personal x-identity x-label-ko""".split()  # noqa: SIM905 -- a word list
KEYWORDS = (*_ONE, *_LIST, *_MAPPING, *_OTHER)


def subschemas(schema: Any, place: Place = ()) -> Iterator[tuple[Place, dict[str, Any]]]:
    """Walk a schema that the meta-schema accepts: itself and every schema in it, by place."""
    if not isinstance(schema, dict):
        return
    yield place, schema
    for keyword, value in schema.items():
        for step, inner in _held(keyword, value):
            yield from subschemas(inner, (*place, keyword, *step))


def _held(keyword: str, value: Any) -> Iterator[tuple[Place, Any]]:
    if keyword in _ONE:
        yield (), value
    elif keyword in _LIST:
        yield from (((index,), inner) for index, inner in enumerate(value))
    elif keyword in _MAPPING:
        yield from (((key,), inner) for key, inner in value.items())


def compile_schema(schema: dict[str, Any]) -> Draft202012Validator:
    """Compile an event's schema, with formats checked and regular expressions of linear time.

    Messages of the validator leave sent values out, for these may be personal.

    Raises:
        jsonschema_rs.ValidationError: a pattern, format or reference that cannot be used.
    """
    return Draft202012Validator(
        schema,
        validate_formats=True,
        ignore_unknown_formats=False,
        pattern_options=RegexOptions(),
        mask="the value",
        offline=True,
    )
