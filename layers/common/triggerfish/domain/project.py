"""Projects: the tenants, each with keys, triggers and events of its own."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from triggerfish.domain.api_key import parse_name
from triggerfish.domain.errors import FieldError, InvalidInput
from triggerfish.domain.field_names import unknown_fields

DEFAULT_PROJECT = "default"  # the first one, the operator's: its keys alone reach beyond it


@dataclass(frozen=True, slots=True)
class Project:
    id: UUID
    name: str
    created_at: datetime


def parse_project(raw: object) -> str:
    """Read a create body: the name. Raises InvalidInput that names every field that is wrong."""
    if not isinstance(raw, dict):
        raise InvalidInput("The project is not valid.", (FieldError("body", "must be an object"),))
    errors = unknown_fields(raw, {"name"}, of="a project")
    try:
        name = parse_name(raw.get("name"))
    except InvalidInput as invalid:
        raise InvalidInput("The project is not valid.", [*errors, *invalid.details]) from None
    if errors:
        raise InvalidInput("The project is not valid.", errors)
    return name
