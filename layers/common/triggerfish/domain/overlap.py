"""How long what was rotated out goes on working beside what has replaced it."""

from datetime import timedelta

from triggerfish.domain.errors import FieldError, InvalidInput
from triggerfish.domain.field_names import unknown_fields
from triggerfish.domain.whole_number import whole_number

DEFAULT_SECONDS = 24 * 3600
MAX_SECONDS = 7 * 24 * 3600


def parse_overlap(raw: object, field: str = "overlap_seconds") -> timedelta:
    """Read the body of a rotation: `{field: 0..604800}`, a day if absent. Raises InvalidInput."""
    if not isinstance(raw, dict):
        raise _invalid(FieldError("body", "must be an object"))
    errors = unknown_fields(raw, {field}, of="this body")
    seconds = whole_number(raw.get(field, DEFAULT_SECONDS), 0, MAX_SECONDS)
    if seconds is None:
        message = f"must be a whole number of seconds, 0 to {MAX_SECONDS}"
        errors.append(FieldError(field, message))
    if errors or seconds is None:
        raise _invalid(*errors)
    return timedelta(seconds=seconds)


def _invalid(*details: FieldError) -> InvalidInput:
    return InvalidInput("The rotation is not valid.", details)
