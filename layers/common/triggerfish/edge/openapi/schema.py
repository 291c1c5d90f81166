"""JSON Schema in few words: what the nouns' schemas are made of."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

Schema = dict[str, Any]

ID: Schema = {"type": "string", "format": "uuid"}
TIME: Schema = {"type": "string", "format": "date-time"}
TEXT: Schema = {"type": "string"}
# Python calls U+001C to U+001F white space, other regexes do not.
NOT_BLANK = r"[^\s\x1c-\x1f]"
COUNT: Schema = {"type": "integer", "minimum": 0}
BOOLEAN: Schema = {"type": "boolean"}
NULL: Schema = {"type": "null"}
ANY: Schema = {}


def ref(name: str) -> Schema:
    """A reference to a component's schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def closed(
    required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None, **more: Any
) -> Schema:
    """An object with these fields and no others; `more` are further keywords."""
    return {
        "type": "object",
        "required": list(required),
        "properties": dict(required) | dict(optional or {}),
        "additionalProperties": False,
        **more,
    }


def nullable(schema: Schema) -> Schema:
    """The schema, or null."""
    if not isinstance(schema.get("type"), str):
        return {"anyOf": [schema, NULL]}
    both = schema | {"type": [schema["type"], "null"]}
    return both | {"enum": [*schema["enum"], None]} if "enum" in schema else both


def one_of(*values: str) -> Schema:
    """One of these texts."""
    return {"type": "string", "enum": list(values)}


def list_of(items: Schema, **more: Any) -> Schema:
    return {"type": "array", "items": items, **more}


def map_of(values: Schema) -> Schema:
    """An object with any names."""
    return {"type": "object", "additionalProperties": values}


def same(names: tuple[str, ...], values: Schema) -> Schema:
    """An object with exactly these fields, all alike."""
    return closed(dict.fromkeys(names, values))


def page_of(name: str) -> Schema:
    """A page of a list, newest first."""
    cursor = nullable({"type": "string", "description": "Pass it on as `cursor`; null at the end."})
    return closed({"data": list_of(ref(name)), "next_cursor": cursor})


def of_model(model: type[BaseModel]) -> Schema:
    """A model's schema without the titles that only repeat its names, and without its docstring."""
    schema = model.model_json_schema()
    fields = {name: _untitled(field) for name, field in schema["properties"].items()}
    return closed({}, fields)


def _untitled(field: Schema) -> Schema:
    none_given = field.get("default", ...) is None
    left_out = ("title", "default") if none_given else ("title",)
    return {name: value for name, value in field.items() if name not in left_out}


def described(schema: Schema, description: str) -> Schema:
    return schema | {"description": description}
