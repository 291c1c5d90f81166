"""What a line of an imported log must be: one JSON object, checked by a Pydantic model."""

from datetime import UTC, datetime
from typing import Annotated, Any

import orjson
from pydantic import (
    AliasChoices,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from triggerfish.domain.errors import InvalidInput
from triggerfish.domain.json_payload import parse_payload
from triggerfish.domain.lines import MAX_LINE_BYTES, Line

LEVELS = ("TRACE", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
SAME_LEVEL = {"WARN": "WARNING", "ERR": "ERROR", "FATAL": "CRITICAL", "NOTICE": "INFO"}
MAX_NAME_CHARACTERS = 200
MAX_REASON_CHARACTERS = 500


class BadLine(Exception):
    """A line that is no log entry; the message says why, and never quotes the line's values."""


def _level(value: object) -> object:
    if not isinstance(value, str):
        return value
    upper = value.strip().upper()
    level = SAME_LEVEL.get(upper, upper)
    if level not in LEVELS:
        raise ValueError(f"must be one of {', '.join(LEVELS)}, in any case")
    return level


def _timestamp(value: object) -> object:
    """RFC 3339 texts only: a number could be seconds or milliseconds."""
    if not isinstance(value, str):
        raise ValueError("must be an RFC 3339 text")
    return value


class LogEntry(BaseModel):
    """One log entry. Fields that it does not name are kept among its `attributes`."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    timestamp: Annotated[AwareDatetime, Field(strict=False), BeforeValidator(_timestamp)]
    level: Annotated[str, BeforeValidator(_level)]
    message: Annotated[str, StringConstraints(min_length=1)]
    service: Annotated[
        str,
        StringConstraints(min_length=1, max_length=MAX_NAME_CHARACTERS),
        Field(validation_alias=AliasChoices("service", "source")),
    ]
    attributes: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _keep_what_is_not_named(cls, value: Any) -> Any:
        if not isinstance(value, dict) or KNOWN.issuperset(value):
            return value
        attributes = value.get("attributes", {})
        if not isinstance(attributes, dict):
            return value
        others = {name: each for name, each in value.items() if name not in KNOWN}
        named = {name: each for name, each in value.items() if name in KNOWN}
        return {**named, "attributes": {**others, **attributes}}


KNOWN = frozenset({"timestamp", "level", "message", "service", "source", "attributes"})


def parse_line(line: Line) -> LogEntry:
    """The entry of a line. Raises BadLine."""
    if line.text is None:
        raise BadLine(f"is longer than {MAX_LINE_BYTES} bytes")
    if not line.text.strip():
        raise BadLine("is empty")
    try:
        value = parse_payload(line.text, max_bytes=MAX_LINE_BYTES, name="line")
        return LogEntry.model_validate(value)
    except InvalidInput as error:
        raise BadLine("; ".join(detail.message for detail in error.details)) from error
    except ValidationError as error:
        raise BadLine(_reasons(error)) from error


def attributes_text(entry: LogEntry) -> str:
    """The attributes as the JSON text that is stored."""
    return orjson.dumps(entry.attributes).decode()


def utc(entry: LogEntry) -> datetime:
    return entry.timestamp.astimezone(UTC)


def _reasons(error: ValidationError) -> str:
    """Each wrong field and why: `level: must be one of …; message: Field required`."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    reasons = [
        ": ".join([*filter(None, [".".join(map(str, one["loc"]))]), _message(one["msg"])])
        for one in found
    ]
    return "; ".join(reasons)[:MAX_REASON_CHARACTERS]


def _message(text: str) -> str:
    return text.removeprefix("Value error, ")
