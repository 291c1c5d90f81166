"""Test runs: fire a definition once, saved as a trigger or not, and mark the event as a test."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from triggerfish.domain.errors import FieldError, InvalidInput
from triggerfish.domain.field_names import unknown_fields
from triggerfish.domain.payload_schema import compile_schema, violations
from triggerfish.domain.schedule import At
from triggerfish.domain.schedule_parse import parse_schedule
from triggerfish.domain.trigger import Definition, TriggerType, parse_definition, payload_text

MAX_NOTE_CHARACTERS = 500
MAX_DELAY = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class ManualTestRequest:
    """What a test run sends, and why; `note` is None when the caller gave none."""

    payload: str
    note: str | None


@dataclass(frozen=True, slots=True)
class UnsavedTest:
    """A checked definition that is to fire once, at `due_at`, and never becomes a trigger."""

    definition: Definition
    due_at: datetime
    request: ManualTestRequest


@dataclass(frozen=True, slots=True)
class ManualTest:
    """The event of a test run, to be stored before it is answered."""

    id: UUID
    project_id: UUID
    revision_id: UUID
    due_at: datetime
    payload: str
    note: str
    enqueued_at: datetime | None  # None: the sweep sends its message in time


def parse_test(raw: object, definition: Definition) -> ManualTestRequest:
    """Read the body of a trigger's test run: `note`, and `payload` for an API trigger.

    A scheduled trigger sends what it has stored. Raises InvalidInput naming every wrong field.
    """
    if not isinstance(raw, dict):
        raise _wrong("body", "must be an object")
    is_api = definition.type is TriggerType.API
    known = {"note", "payload"} if is_api else {"note"}
    errors = unknown_fields(raw, known, of="a test run of this trigger")
    request = _request(raw, definition, errors)
    if errors:
        raise InvalidInput("The test run is not valid.", errors)
    return request


def parse_unsaved_test(raw: object, *, now: datetime) -> UnsavedTest:
    """Read a create body with `note`, and `payload` (API) or `in` (scheduled) beside it.

    It fires at once, or later when it says `in`, at the top or as its schedule. Raises
    InvalidInput naming every wrong field.
    """
    if not isinstance(raw, dict):
        raise _wrong("body", "must be an object")
    own = {"note", "payload"} if raw.get("type") == TriggerType.API else {"note", "in"}
    base = {name: value for name, value in raw.items() if name not in own}
    errors: list[FieldError] = []
    due_at = now
    if "in" in own and raw.get("in") is not None:
        due_at = _due_at(raw["in"], now, errors)
        base.setdefault("schedule", {"in": "1s"})  # said at the top, so not needed twice
    try:
        definition = parse_definition(base, now=now)
    except InvalidInput as invalid:
        _note(raw, errors)
        raise InvalidInput(invalid.message, (*invalid.details, *errors)) from None
    if raw.get("in") is None:
        due_at = _due_at_of_schedule(definition, base, now, errors)
    request = _request(raw, definition, errors)
    if errors:
        raise InvalidInput("The test run is not valid.", errors)
    return UnsavedTest(definition, due_at, request)


def _request(
    raw: dict[str, Any], definition: Definition, errors: list[FieldError]
) -> ManualTestRequest:
    note = _note(raw, errors)
    if definition.type is TriggerType.SCHEDULED:
        return ManualTestRequest(definition.payload or "{}", note)
    payload = raw.get("payload", {})
    found = violations(compile_schema(definition.schema or {}), payload)
    errors += [FieldError(_within_payload(one.field), one.message) for one in found]
    try:
        return ManualTestRequest(payload_text(payload), note)
    except InvalidInput as invalid:
        errors += invalid.details
        return ManualTestRequest("", note)


def _within_payload(field: str) -> str:
    """A place in the payload as a place in the body; the root is called `payload` already."""
    is_root = field == "payload" or field.startswith("payload[")
    return field if is_root else f"payload.{field}"


def _note(raw: dict[str, Any], errors: list[FieldError]) -> str | None:
    note = raw.get("note")
    if note is None:
        return None
    if not isinstance(note, str) or not 0 < len(note.strip()) <= len(note) <= MAX_NOTE_CHARACTERS:
        message = f"must be a text that is not empty, of at most {MAX_NOTE_CHARACTERS} characters"
        errors.append(FieldError("note", message))
        return None
    return note


def _due_at(wait: object, now: datetime, errors: list[FieldError]) -> datetime:
    try:
        rule = parse_schedule({"in": wait}, now=now).rule
    except InvalidInput as invalid:
        errors += [FieldError("in", one.message) for one in invalid.details]
        return now
    assert isinstance(rule, At)
    return _not_too_late(rule.at, "in", now, errors)


def _due_at_of_schedule(
    definition: Definition, base: dict[str, Any], now: datetime, errors: list[FieldError]
) -> datetime:
    """Later only for a wait; a time of day or a rhythm is not waited for."""
    schedule = definition.schedule
    if (
        schedule is None
        or not isinstance(schedule.rule, At)
        or base["schedule"].get("at") is not None
    ):
        return now
    field = "in" if base["schedule"].get("in") is not None else "interval"
    return _not_too_late(schedule.rule.at, f"schedule.{field}", now, errors)


def _not_too_late(
    due_at: datetime, field: str, now: datetime, errors: list[FieldError]
) -> datetime:
    if due_at - now > MAX_DELAY:
        hours = MAX_DELAY // timedelta(hours=1)
        errors.append(FieldError(field, f"a test run waits at most {hours} hours"))
    return due_at


def _wrong(field: str, message: str) -> InvalidInput:
    return InvalidInput("The test run is not valid.", (FieldError(field, message),))
