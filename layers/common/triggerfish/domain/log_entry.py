"""What a line of an imported log must be: one JSON object, checked by a Pydantic model."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import orjson
from pydantic import (
    AfterValidator,
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
from triggerfish.domain.field_names import shown
from triggerfish.domain.json_payload import parse_payload
from triggerfish.domain.lines import MAX_LINE_BYTES, Line
from triggerfish.domain.model_errors import words

LEVELS = ("TRACE", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
SAME_LEVEL = {"WARN": "WARNING", "ERR": "ERROR", "FATAL": "CRITICAL", "NOTICE": "INFO"}
MAX_NAME_CHARACTERS = 200
MAX_REASON_CHARACTERS = 500


class BadLine(Exception):
    """A line that is no log entry; the message says why, and never quotes the line's values."""


def level_name(value: object) -> object:
    """A level as it is stored; what is no text is left to others. Raises ValueError."""
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


def _utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("must be within the years 1 to 9999 in UTC") from None


class LogEntry(BaseModel):
    """One log entry, its timestamp in UTC. `source` is another name of `service`.

    Fields that it does not name are kept among its `attributes`, and so is a `source` beside a
    `service`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    timestamp: Annotated[
        AwareDatetime, Field(strict=False), BeforeValidator(_timestamp), AfterValidator(_utc)
    ]
    level: Annotated[str, BeforeValidator(level_name)]
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
        if not isinstance(value, dict):
            return value
        known = KNOWN if "service" in value else KNOWN_WITHOUT_SERVICE
        if known.issuperset(value):
            return value
        attributes = value.get("attributes", {})
        if not isinstance(attributes, dict):
            return value
        others = {name: each for name, each in value.items() if name not in known}
        _refuse_collisions(others, attributes)
        named = {name: each for name, each in value.items() if name in known}
        return {**named, "attributes": {**others, **attributes}}


def _refuse_collisions(others: dict[str, Any], attributes: dict[str, Any]) -> None:
    """Of two values of one name neither may be dropped; the same value twice is one."""
    for name in others.keys() & attributes.keys():
        if json.dumps(others[name]) != json.dumps(attributes[name]):
            raise ValueError(
                f'has "{shown(name)}" beside attributes and another one inside; rename one of them'
            )


KNOWN = frozenset({"timestamp", "level", "message", "service", "attributes"})
KNOWN_WITHOUT_SERVICE = KNOWN | {"source"}


@dataclass(frozen=True, slots=True)
class LogRow:
    """A stored entry; `attributes` is the JSON text of an object."""

    line_no: int
    timestamp: datetime
    level: str
    service: str
    message: str
    attributes: str


def parse_line(line: Line) -> LogEntry:
    """The entry of a line. Raises BadLine."""
    if line.text is None:
        raise BadLine(f"is longer than {MAX_LINE_BYTES} bytes")
    if not line.text.strip():
        raise BadLine("is empty")
    try:
        value = parse_payload(line.text, max_bytes=MAX_LINE_BYTES, name="line")
        if not isinstance(value, dict):
            raise BadLine("must be a JSON object")
        return LogEntry.model_validate(value)
    except InvalidInput as error:
        raise BadLine("; ".join(_in_line(detail.message) for detail in error.details)) from error
    except ValidationError as error:
        raise BadLine(_reasons(error)) from error


def attributes_text(entry: LogEntry) -> str:
    """The attributes as the JSON text that is stored."""
    try:
        return orjson.dumps(entry.attributes).decode()
    except TypeError:  # an integer beyond 64 bits
        return json.dumps(entry.attributes, ensure_ascii=False, separators=(",", ":"))


def _reasons(error: ValidationError) -> str:
    """Each wrong field and why: `level: must be one of …; message: is required`."""
    found = error.errors(include_url=False, include_input=False)
    reasons = [
        ": ".join([*filter(None, [".".join(map(str, one["loc"]))]), words(one)]) for one in found
    ]
    return "; ".join(reasons)[:MAX_REASON_CHARACTERS]


def _in_line(message: str) -> str:
    """Of a place, only the column: the body that it counts lines of is one line of a file."""
    return message.replace("(line 1, column ", "(column ")
