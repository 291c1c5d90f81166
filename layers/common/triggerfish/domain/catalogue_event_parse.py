"""From the bodies of requests to events of the catalogue; every wrong field is named once."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from triggerfish.domain.catalogue_event import CatalogueStatus, EventChange
from triggerfish.domain.errors import FieldError, InvalidInput
from triggerfish.domain.field_names import REQUIRED, unknown_fields
from triggerfish.domain.timestamps import parse_rfc3339

T = TypeVar("T")

_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]")  # but white space

MAX_TITLE_CHARACTERS = 200
MAX_LOCATION_CHARACTERS = 200
MAX_AUTHOR_CHARACTERS = 200
MAX_NOTES_CHARACTERS = 10_000

NEW_EVENT_FIELDS = frozenset(
    {"title", "startAt", "endAt", "location", "status", "internalNotes", "createdBy"}
)
CHANGE_FIELDS = frozenset({"status", "internalNotes"})


@dataclass(frozen=True, slots=True)
class NewEvent:
    """What a create body asks for; `created_by` is None where the caller's own name will do."""

    title: str
    start_at: datetime
    end_at: datetime
    location: str
    status: CatalogueStatus
    internal_notes: str | None
    created_by: str | None


def parse_new_event(raw: object, *, now: datetime) -> NewEvent:
    """Read a create body. Raises InvalidInput with one detail for each field that is wrong."""
    body = _object(raw)
    errors = unknown_fields(body, NEW_EVENT_FIELDS, of="an event")
    collect = _Collector(body, errors)
    values: dict[str, Any] = {
        "title": collect("title", _line(MAX_TITLE_CHARACTERS)),
        "start_at": collect("startAt", _time),
        "end_at": collect("endAt", _time),
        "location": collect("location", _line(MAX_LOCATION_CHARACTERS)),
        "status": collect("status", _status, CatalogueStatus.DRAFT),
        "internal_notes": collect("internalNotes", _notes),
        "created_by": collect("createdBy", _author),
    }
    errors += _impossible(values["start_at"], values["end_at"], now)
    if errors:
        raise InvalidInput("The event is not valid.", errors)
    return NewEvent(**values)


def parse_change(raw: object) -> EventChange:
    """Read a PATCH body: `status`, `internalNotes` or both. Raises InvalidInput."""
    body = _object(raw)
    fixed = sorted(NEW_EVENT_FIELDS - CHANGE_FIELDS)
    errors = [FieldError(name, "cannot be changed") for name in fixed if name in body]
    errors += unknown_fields(set(body) - set(fixed), CHANGE_FIELDS, of="a change")
    if not body:
        errors.append(FieldError("body", "must have status, internalNotes or both"))
    collect = _Collector(body, errors)
    status = collect("status", _status) if "status" in body else None
    notes = collect("internalNotes", _notes)
    if errors:
        raise InvalidInput("The change is not valid.", errors)
    return EventChange(status, (notes,) if "internalNotes" in body else None)


class _Collector:
    """Runs field parsers and keeps what they complain about, so that one answer names it all."""

    def __init__(self, body: dict[str, Any], errors: list[FieldError]) -> None:
        self._body, self._errors = body, errors

    def __call__(
        self, field: str, parse: Callable[[object], T], default: object = None
    ) -> T | None:
        try:
            return parse(self._body.get(field, default))
        except ValueError as wrong:
            self._errors.append(FieldError(field, str(wrong)))
            return None


def _object(raw: object) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise InvalidInput("The body is not valid.", (FieldError("body", "must be an object"),))
    return raw


def _line(most: int) -> Callable[[object], str]:
    """A parser of one line of text: it becomes a subject, a line of a stream, a word of a query."""

    def parse(value: object) -> str:
        if not isinstance(value, str) or not value.strip():
            raise ValueError(REQUIRED if value is None else "must be a text that is not empty")
        if len(value) > most:
            raise ValueError(f"must have at most {most} characters")
        if _CONTROL.search(value):
            raise ValueError("must not contain control characters")
        return " ".join(value.split())

    return parse


def _time(value: object) -> datetime:
    if value is None:
        raise ValueError(REQUIRED)
    return parse_rfc3339(value if isinstance(value, str) else "")


def _impossible(start: datetime | None, end: datetime | None, now: datetime) -> list[FieldError]:
    errors = []
    if start is not None and start < now:
        errors.append(FieldError("startAt", "must not be in the past"))
    if start is not None and end is not None and end <= start:
        errors.append(FieldError("endAt", "must be after startAt"))
    return errors


def _status(value: object) -> CatalogueStatus:
    if not isinstance(value, str) or value not in set(CatalogueStatus):
        raise ValueError(f"must be one of {', '.join(CatalogueStatus)}")
    return CatalogueStatus(value)


def _notes(value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise ValueError("must be a string or null")
    if value is not None and len(value) > MAX_NOTES_CHARACTERS:
        raise ValueError(f"must have at most {MAX_NOTES_CHARACTERS} characters")
    return value


def _author(value: object) -> str | None:
    return None if value is None else _line(MAX_AUTHOR_CHARACTERS)(value)
