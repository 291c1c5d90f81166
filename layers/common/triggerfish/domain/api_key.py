"""An API key as its project sees it: what may be asked for, and the rules of rotation."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from triggerfish.domain.access import SCOPES
from triggerfish.domain.durations import parse_duration
from triggerfish.domain.errors import Conflict, FieldError, Forbidden, InvalidInput
from triggerfish.domain.field_names import REQUIRED, unknown_fields
from triggerfish.domain.timestamps import parse_rfc3339

T = TypeVar("T")

MAX_NAME_CHARACTERS = 200

NEW_KEY_FIELDS = frozenset({"name", "scopes", "expires_at", "expires_in"})


@dataclass(frozen=True, slots=True)
class NewKey:
    """What a customer asks for; the scopes stand in the order of SCOPES."""

    name: str
    scopes: tuple[str, ...]
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A stored key without anything by which it could be used."""

    id: UUID
    project_id: UUID
    name: str
    prefix: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None
    replaced_by: UUID | None = None


def parse_new_key(raw: object, *, now: datetime) -> NewKey:
    """Read a create body. Raises InvalidInput that names every field that is wrong."""
    body = _object(raw)
    errors = unknown_fields(body, NEW_KEY_FIELDS, of="an API key")
    name = _collect(errors, lambda: parse_name(body.get("name")))
    scopes = _collect(errors, lambda: _scopes(body.get("scopes")))
    expires_at = _collect(errors, lambda: _expiry(body, now))
    if errors or name is None or scopes is None:
        raise InvalidInput("The API key is not valid.", errors)
    return NewKey(name, scopes, expires_at)


def parse_name(value: object) -> str:
    """Read the name of a key or a project. Raises InvalidInput (field `name`)."""
    if not isinstance(value, str) or not value.strip():
        raise _wrong("name", REQUIRED if value is None else "must be a text that is not empty")
    if len(value) > MAX_NAME_CHARACTERS:
        raise _wrong("name", f"must have at most {MAX_NAME_CHARACTERS} characters")
    return value


def refuse_gain(held: frozenset[str], given: tuple[str, ...]) -> None:
    """No key makes one that may do more than itself. Raises Forbidden."""
    gained = [scope for scope in given if scope not in held]
    if gained:
        raise Forbidden(f"This key cannot give what it does not have: {', '.join(gained)}.")


def refuse_power(held: frozenset[str], key: ApiKey) -> None:
    """No key ends one that may do more than itself. Raises Forbidden."""
    beyond = [scope for scope in key.scopes if scope not in held]
    if beyond:
        raise Forbidden(f"This key cannot revoke one with scopes it lacks: {', '.join(beyond)}.")


def ending_with(maker_ends: datetime | None, wanted: NewKey) -> NewKey:
    """The wanted key; without an end of its own it ends with the key that makes it.

    Raises Forbidden for an end after the maker's: a key that leaked must end for good.
    """
    wanted = replace(wanted, expires_at=wanted.expires_at or maker_ends)
    refuse_outliving(maker_ends, wanted.expires_at)
    return wanted


def refuse_outliving(maker_ends: datetime | None, ends: datetime | None) -> None:
    """No key makes or replaces one that is valid for longer than itself. Raises Forbidden."""
    if maker_ends is not None and (ends is None or ends > maker_ends):
        moment = maker_ends.isoformat().replace("+00:00", "Z")
        raise Forbidden(f"This key expires at {moment} and cannot make one that outlives it.")


def replacement(old: ApiKey, *, maker_ends: datetime | None, now: datetime) -> NewKey:
    """What the key that takes over from `old` is: the same, with a lifetime of the same length.

    It ends with the key that makes it at the latest, also where that is `old` itself.

    Raises Forbidden for a key that is valid for longer than its maker, and Conflict when `old` is
    no longer in use, or has a successor already.
    """
    if old.revoked_at is not None or (old.expires_at is not None and old.expires_at <= now):
        raise Conflict("The key is revoked or expired; create another one.")
    if old.replaced_by is not None:
        raise Conflict(f"The key was rotated before; rotate its successor {old.replaced_by}.")
    refuse_outliving(maker_ends, old.expires_at)
    if old.expires_at is None:
        return NewKey(old.name, old.scopes, None)
    ends = now + (old.expires_at - old.created_at)
    return NewKey(old.name, old.scopes, min(ends, maker_ends or ends))


def _object(raw: object) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise _wrong("body", "must be an object")
    return raw


def _collect(errors: list[FieldError], parse: Callable[[], T]) -> T | None:
    try:
        return parse()
    except InvalidInput as invalid:
        errors.extend(invalid.details)
        return None


def _scopes(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        must = f"a list of at least one of {', '.join(SCOPES)}"
        raise _wrong("scopes", f"is required: {must}" if value is None else f"must be {must}")
    errors = [
        FieldError(f"scopes[{index}]", f"must be one of {', '.join(SCOPES)}")
        for index, scope in enumerate(value)
        if scope not in SCOPES
    ]
    if errors:
        raise InvalidInput("The API key is not valid.", errors[: len(SCOPES)])
    return tuple(scope for scope in SCOPES if scope in value)


def _expiry(body: dict[str, Any], now: datetime) -> datetime | None:
    at, after = body.get("expires_at"), body.get("expires_in")
    if at is not None and after is not None:
        raise _wrong("expires_in", "is given together with expires_at; give one of them")
    if at is not None:
        return _future(at, now)
    return None if after is None else now + _lifetime(after)


def _future(value: object, now: datetime) -> datetime:
    try:
        moment = parse_rfc3339(value if isinstance(value, str) else "")
    except ValueError as error:
        raise _wrong("expires_at", str(error)) from None
    if moment <= now:
        raise _wrong("expires_at", "must be in the future")
    return moment


def _lifetime(value: object) -> timedelta:
    try:
        lifetime = parse_duration(value if isinstance(value, str) else "")
    except ValueError as error:
        raise _wrong("expires_in", str(error)) from None
    if not lifetime:
        raise _wrong("expires_in", "must be more than zero")
    return lifetime


def _wrong(field: str, message: str) -> InvalidInput:
    return InvalidInput("The API key is not valid.", (FieldError(field, message),))
