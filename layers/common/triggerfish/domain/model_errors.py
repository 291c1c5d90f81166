"""What Pydantic found wrong, in our words: it checks, and we speak."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from triggerfish.domain.errors import FieldError
from triggerfish.domain.field_names import REQUIRED, shown, unknown_fields

MAX_NAMED = 20
_NUMBER = "must be a whole number"
_TIME = "must be an RFC 3339 time with an offset, such as 2030-01-31T09:00:00Z"

_WORDS: dict[str, str | Callable[[dict[str, Any]], str]] = {
    "missing": REQUIRED,
    "value_error": lambda about: str(about["error"]),
    "literal_error": lambda about: f"must be one of {_listed(about['expected'])}",
    "greater_than_equal": lambda about: f"must be {about['ge']} or more",
    "less_than_equal": lambda about: f"must be at most {about['le']}",
    "string_type": "must be a text",
    "string_too_short": lambda about: (
        f"must have at least {about['min_length']} characters"
        if about["min_length"] > 1
        else "must not be empty"
    ),
    "string_too_long": lambda about: f"must have at most {about['max_length']} characters",
    "string_pattern_mismatch": "has characters that are not allowed",
    "int_type": _NUMBER,
    "int_parsing": _NUMBER,
    "int_from_float": _NUMBER,
    "int_parsing_size": "must be a smaller number",
    "greater_than": lambda about: f"must be more than {about['gt']}",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "dict_type": "must be an object",
    "list_type": "must be a list",
    "too_short": lambda about: f"must have at least {about['min_length']} item",
    "too_long": lambda about: f"must have at most {about['max_length']} items",
    "uuid_type": "must be an id (a UUID)",
    "uuid_parsing": "must be an id (a UUID)",
}


def field_errors(
    found: Iterable[Mapping[str, Any]], known: Sequence[str], *, of: str, root: str = "body"
) -> list[FieldError]:
    """An error for each finding, at most MAX_NAMED; a location begins with the field.

    `known` are the names of the model's fields as callers write them, `of` is what has them.
    """
    errors: list[FieldError] = []
    for one in found:
        location = one["loc"]
        if one["type"] == "extra_forbidden":
            errors += unknown_fields([location[-1]], known, of=of)
        else:
            field = ".".join(shown(str(part)) for part in location) or root
            errors.append(FieldError(field, words(one)))
    return errors[:MAX_NAMED]


def words(one: Mapping[str, Any]) -> str:
    """One of Pydantic's findings as what the value must be."""
    if one["type"].startswith(("datetime", "timezone")):
        return _TIME
    known = _WORDS.get(one["type"], "is not valid")
    return known if isinstance(known, str) else known(one.get("ctx", {}))


def names_of(model: Any) -> list[str]:
    """The fields of a Pydantic model by the names that callers use."""
    return [field.alias or name for name, field in model.model_fields.items()]


def _listed(expected: str) -> str:
    """Pydantic's `'a', 'b' or 'c'` without quotes: `a, b, c`."""
    return expected.replace(" or ", ", ").replace("'", "")
