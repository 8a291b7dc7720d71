"""The dialect of the plan's schemas: JSON Schema 2020-12 with three keywords of the plan's own.

Holds what may be written, walks a schema by its keywords and compiles it.
"""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from jsonschema_rs import Draft202012Validator, RegexOptions

from funnelhouse.schemas.documents import Place

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

    Numbers lie within 64 bits, whatever the schema says: beyond them ClickHouse reads text or 0.
    Messages of the validator leave sent values out, for these may be personal.

    Raises:
        jsonschema_rs.ValidationError: a pattern, format or reference that cannot be used.
    """
    return Draft202012Validator(
        _within_64_bits(schema),
        validate_formats=True,
        ignore_unknown_formats=False,
        pattern_options=RegexOptions(),
        mask="the value",
        offline=True,
    )


def _within_64_bits(schema: dict[str, Any]) -> dict[str, Any]:
    """Bound every number that a schema asks for; what it must not be stays as wide as it was."""
    bounded = deepcopy(schema)
    for place, inner in subschemas(bounded):
        types = inner.get("type", ())
        is_number = not _NUMBERS.isdisjoint([types] if isinstance(types, str) else types)
        if is_number and _TURNED.isdisjoint(place):
            inner["minimum"] = max(inner.get("minimum", -_BOUND), -_BOUND)
            inner["exclusiveMaximum"] = min(inner.get("exclusiveMaximum", _BOUND), _BOUND)
    return bounded


_BOUND = 2**63
_NUMBERS = {"integer", "number"}
_TURNED = {"not", "if"}
"""Keywords under which a bound would let more through."""
