"""A trigger's definition: what a customer may ask for, checked whole before anything is stored."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar
from uuid import UUID

from triggerfish.domain.catch_up import DEFAULT_GRACE_SECONDS
from triggerfish.domain.endpoint import FIELDS as ENDPOINT_FIELDS
from triggerfish.domain.endpoint import Endpoint, parse_endpoint
from triggerfish.domain.errors import FieldError, InvalidInput
from triggerfish.domain.field_names import REQUIRED, unknown_fields
from triggerfish.domain.payload_schema import Validator, check_schema
from triggerfish.domain.retry import RetryPolicy
from triggerfish.domain.retry_parse import parse_retry
from triggerfish.domain.schedule import Schedule
from triggerfish.domain.schedule_parse import FIELDS as SCHEDULE_FIELDS
from triggerfish.domain.schedule_parse import parse_schedule
from triggerfish.domain.signing import SigningSecrets
from triggerfish.domain.verification import Verification, parse_verification
from triggerfish.domain.whole_number import whole_number

T = TypeVar("T")

MAX_BATCH = 1_000
MAX_NAME_CHARACTERS = 200
MAX_PAYLOAD_BYTES = 256 * 1024
DEFAULT_CATCH_UP_WINDOW_SECONDS = 3600
MAX_CATCH_UP_WINDOW_SECONDS = 46 * 3600
MAX_CATCH_UP_GRACE_SECONDS = 3600

COMMON_FIELDS = frozenset({"type", "name", "endpoint", "retry"})
FIELDS = {
    "scheduled": COMMON_FIELDS
    | {"schedule", "payload", "catch_up", "catch_up_window_seconds", "catch_up_grace_seconds"},
    "api": COMMON_FIELDS | {"schema", "verification"},
}
# Where a field belongs that somebody writes at the top.
_INSIDE = frozenset(
    [f"endpoint.{name}" for name in ENDPOINT_FIELDS]
    + [f"schedule.{name}" for name in SCHEDULE_FIELDS]
)


class TriggerType(StrEnum):
    SCHEDULED = "scheduled"
    API = "api"


class TriggerStatus(StrEnum):
    ACTIVE = "active"
    PAUSED = "paused"
    COMPLETED = "completed"  # its last occurrence has fired
    DISABLED = "disabled"  # by its endpoint: what fires is held, see `Disabled`


# These fire: the events of a disabled trigger are logged, held, and can be released.
FIRING = frozenset({TriggerStatus.ACTIVE, TriggerStatus.DISABLED})


class DisabledReason(StrEnum):
    GONE = "gone"  # the endpoint answered 410
    FAILING = "failing"  # nothing but failures for longer than the platform's patience


class CatchUp(StrEnum):
    ALL = "all"
    LATEST = "latest"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Definition:
    """What a customer configures; stored as one immutable revision."""

    type: TriggerType
    name: str
    endpoint: Endpoint
    retry: RetryPolicy
    schedule: Schedule | None = None
    payload: str | None = None  # exact JSON text, scheduled triggers only
    schema: dict[str, Any] | None = None  # JSON Schema, API triggers only
    verification: Verification | None = None  # API triggers only
    catch_up: CatchUp = CatchUp.ALL
    catch_up_window_seconds: int = DEFAULT_CATCH_UP_WINDOW_SECONDS
    catch_up_grace_seconds: int = DEFAULT_GRACE_SECONDS


@dataclass(frozen=True, slots=True)
class Revision:
    """One immutable version of a definition; events refer to the revision they fired with."""

    id: UUID
    number: int
    definition: Definition
    secrets: SigningSecrets  # the trigger's, the same in all of its revisions
    created_at: datetime
    created_by: str


@dataclass(frozen=True, slots=True)
class Disabled:
    """When and why a trigger was disabled."""

    at: datetime
    reason: DisabledReason


@dataclass(frozen=True, slots=True)
class Trigger:
    """A trigger's identity and state, with its current revision.

    `failing_since`: every attempt of this revision since then has failed; None after a success.
    """

    id: UUID
    project_id: UUID
    status: TriggerStatus
    revision: Revision
    next_fire_at: datetime | None
    fired_count: int
    skipped_count: int
    webhook_token: str | None = field(repr=False)
    created_at: datetime
    updated_at: datetime
    failing_since: datetime | None = None
    disabled: Disabled | None = None


@dataclass(frozen=True, slots=True)
class WebhookTarget:
    """What a webhook URL leads to: a trigger at one revision, with its schema compiled."""

    project_id: UUID
    trigger_id: UUID
    revision_id: UUID
    status: TriggerStatus
    endpoint_key: str
    validator: Validator
    verification: Verification | None


def parse_definition(
    raw: object, *, now: datetime, kept_schedule: Schedule | None = None
) -> Definition:
    """Read a create body. Raises InvalidInput that names every field that is wrong.

    `kept_schedule` is one that the trigger has already: it is not refused for being over.
    """
    if not isinstance(raw, dict):
        raise InvalidInput(
            "The body must be a JSON object.", (FieldError("body", "must be an object"),)
        )
    errors: list[FieldError] = []
    collect = _Collector(errors)
    kind = collect(_type, raw.get("type"))
    errors += _unknown_fields(raw, kind)
    common: dict[str, Any] = {
        "type": kind,
        "name": collect(_name, raw.get("name")),
        "endpoint": collect(parse_endpoint, raw.get("endpoint")),
        "retry": collect(parse_retry, raw.get("retry")),
    }
    specific: dict[str, Any] = {}
    if kind is TriggerType.SCHEDULED:
        specific = _scheduled(raw, now, kept_schedule, collect)
    elif kind is TriggerType.API:
        specific = _api(raw, collect)
    if errors:
        raise InvalidInput("The trigger is not valid.", tuple(errors))
    return Definition(**common, **specific)


class _Collector:
    """Runs field parsers and keeps what they complain about, so that one answer names it all."""

    def __init__(self, errors: list[FieldError]) -> None:
        self._errors = errors

    def __call__(self, parse: Callable[[Any], T], value: object) -> T | None:
        try:
            return parse(value)
        except InvalidInput as invalid:
            self._errors.extend(invalid.details)
            return None


def _unknown_fields(raw: dict[str, Any], kind: TriggerType | None) -> list[FieldError]:
    """While the type is not known, only what no type has is unknown."""
    if kind is None:
        return unknown_fields(raw, {*_INSIDE, *FIELDS["scheduled"], *FIELDS["api"]}, of="a trigger")
    own = {name for name in _INSIDE if name.partition(".")[0] in FIELDS[kind]}
    return unknown_fields(raw, FIELDS[kind] | own, of=f"a trigger of type {kind}")


def _type(value: object) -> TriggerType:
    if not isinstance(value, str) or value not in set(TriggerType):
        said = (
            'is required: "scheduled" or "api"' if value is None else 'must be "scheduled" or "api"'
        )
        raise _wrong("type", said)
    return TriggerType(value)


def _scheduled(
    raw: dict[str, Any], now: datetime, kept: Schedule | None, collect: _Collector
) -> dict[str, Any]:
    def schedule(value: object) -> Schedule:
        if kept is not None and value == kept.to_json():
            return kept
        return parse_schedule(value, now=now)

    return {
        "schedule": collect(schedule, raw.get("schedule")),
        "payload": collect(payload_text, raw.get("payload", {})),
        "catch_up": collect(_catch_up, raw.get("catch_up", CatchUp.ALL)),
        "catch_up_window_seconds": collect(
            _window, raw.get("catch_up_window_seconds", DEFAULT_CATCH_UP_WINDOW_SECONDS)
        ),
        "catch_up_grace_seconds": collect(
            _grace, raw.get("catch_up_grace_seconds", DEFAULT_GRACE_SECONDS)
        ),
    }


def _api(raw: dict[str, Any], collect: _Collector) -> dict[str, Any]:
    schema = raw.get("schema", {})  # without one, any JSON is accepted
    collect(check_schema, schema)
    return {
        "schema": schema,
        "verification": collect(parse_verification, raw.get("verification")),
    }


def _name(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _wrong("name", REQUIRED if value is None else "must be a text that is not empty")
    if len(value) > MAX_NAME_CHARACTERS:
        raise _wrong("name", f"must have at most {MAX_NAME_CHARACTERS} characters")
    return value


def payload_text(value: object) -> str:
    """The exact JSON text that is delivered for a value. Raises InvalidInput if it is too long."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    if len(text.encode()) > MAX_PAYLOAD_BYTES:
        raise _wrong("payload", f"must be at most {MAX_PAYLOAD_BYTES} bytes of JSON")
    return text


def _catch_up(value: object) -> CatchUp:
    if not isinstance(value, str) or value not in set(CatchUp):
        raise _wrong("catch_up", 'must be "all", "latest" or "none"')
    return CatchUp(value)


def _window(value: object) -> int:
    return _seconds("catch_up_window_seconds", value, MAX_CATCH_UP_WINDOW_SECONDS)


def _grace(value: object) -> int:
    return _seconds("catch_up_grace_seconds", value, MAX_CATCH_UP_GRACE_SECONDS)


def _seconds(field: str, value: object, most: int) -> int:
    seconds = whole_number(value, 0, most)
    if seconds is None:
        raise _wrong(field, f"must be a whole number of seconds, 0 to {most}")
    return seconds


def _wrong(field: str, message: str) -> InvalidInput:
    return InvalidInput("The trigger is not valid.", (FieldError(field, message),))
