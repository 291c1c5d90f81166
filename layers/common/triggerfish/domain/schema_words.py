"""JSON Schema in our words: what a value must be, and what a keyword of a schema must be."""

import json
from collections.abc import Callable
from typing import Any

import jsonschema_rs

Kind = jsonschema_rs.ValidationErrorKind

_MOST_SHOWN = 10
_LONGEST = 300

# What a value must be, by the kind of violation. They tell of the schema, never of the payload.
_MUST: dict[type, Callable[[Any], str]] = {
    Kind.Type: lambda kind: f"must be of type {' or '.join(sorted(kind.types))}",
    Kind.Enum: lambda kind: f"must be one of {_shown(kind.options)}",
    Kind.Constant: lambda kind: f"must be {_text(kind.expected_value)}",
    Kind.Minimum: lambda kind: f"must be {kind.limit} or more",
    Kind.Maximum: lambda kind: f"must be {kind.limit} or less",
    Kind.ExclusiveMinimum: lambda kind: f"must be more than {kind.limit}",
    Kind.ExclusiveMaximum: lambda kind: f"must be less than {kind.limit}",
    Kind.MultipleOf: lambda kind: f"must be a multiple of {kind.multiple_of}",
    Kind.MinLength: lambda kind: f"must have at least {kind.limit} characters",
    Kind.MaxLength: lambda kind: f"must have at most {kind.limit} characters",
    Kind.Pattern: lambda kind: f"must match the pattern {kind.pattern}",
    Kind.Format: lambda kind: f"must have the format {kind.format}",
    Kind.MinItems: lambda kind: f"must have at least {kind.limit} items",
    Kind.MaxItems: lambda kind: f"must have at most {kind.limit} items",
    Kind.UniqueItems: lambda kind: "must have no item twice",
    Kind.AdditionalItems: lambda kind: f"must have at most {kind.limit} items",
    Kind.UnevaluatedItems: lambda kind: "has more items than the schema allows",
    Kind.Contains: lambda kind: "has too few or too many items of the kind in contains",
    Kind.MinProperties: lambda kind: f"must have at least {kind.limit} fields",
    Kind.MaxProperties: lambda kind: f"must have at most {kind.limit} fields",
    Kind.FalseSchema: lambda kind: "is not allowed",
    Kind.Not: lambda kind: "is what the schema excludes by not",
    Kind.AnyOf: lambda kind: "fits none of the schemas in anyOf",
    Kind.OneOfNotValid: lambda kind: "fits none of the schemas in oneOf",
    Kind.OneOfMultipleValid: lambda kind: "fits more than one of the schemas in oneOf",
}

_TYPES = "array, boolean, integer, null, number, object, string"
_WHOLE = "must be a whole number, 0 or more"
_NUMBER = "must be a number"
_SCHEMA = "must be a schema: an object, true or false"
_SCHEMAS = "must be a list of at least one schema"
_MAP = "must be an object whose values are schemas"
_NAMES = "must be a list of different names"
# What a keyword of a schema must be.
_KEYWORDS = {
    "type": f"must be one of {_TYPES}, or a list of them",
    "required": _NAMES,
    "enum": "must be a list of values",
    "pattern": "must be a text",
    "format": "must be a text",
    "title": "must be a text",
    "description": "must be a text",
    "$comment": "must be a text",
    "multipleOf": "must be a number above 0",
    "uniqueItems": "must be true or false",
    "readOnly": "must be true or false",
    "writeOnly": "must be true or false",
    "deprecated": "must be true or false",
    "dependentRequired": "must be an object whose values are lists of different names",
    "items": _SCHEMA,
    "examples": "must be a list",
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems"), _WHOLE),
    **dict.fromkeys(("minProperties", "maxProperties", "minContains", "maxContains"), _WHOLE),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), _NUMBER),
    **dict.fromkeys(("properties", "patternProperties", "$defs", "definitions"), _MAP),
    **dict.fromkeys(("dependentSchemas", "dependencies"), _MAP),
    **dict.fromkeys(("allOf", "anyOf", "oneOf", "prefixItems"), _SCHEMAS),
    **dict.fromkeys(("not", "if", "then", "else", "contains", "propertyNames"), _SCHEMA),
    **dict.fromkeys(("additionalProperties", "unevaluatedProperties"), _SCHEMA),
    **dict.fromkeys(("additionalItems", "unevaluatedItems"), _SCHEMA),
}
KEYWORDS = frozenset(_KEYWORDS) | {
    "const", "default", "$schema", "$id", "$ref", "contentEncoding", "contentMediaType",
    "contentSchema",
}  # fmt: skip


def violated(kind: Any) -> str:
    """What a value must be that violates a schema in this way."""
    words = _MUST.get(type(kind))
    return words(kind)[:_LONGEST] if words else "does not match the schema"


def wrong_keyword(path: tuple[str, ...]) -> str:
    """What must stand at a place of a schema: as its innermost keyword has it."""
    for token in reversed(path):
        if token in _KEYWORDS:
            return _KEYWORDS[token]
    return _SCHEMA


def _shown(options: list[Any]) -> str:
    more = ", …" if len(options) > _MOST_SHOWN else ""
    return ", ".join(map(_text, options[:_MOST_SHOWN])) + more


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)[:100]
