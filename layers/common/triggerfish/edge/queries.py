"""The query strings of lists, and bodies that choose from them, as models.

Unknown names and wrong values are refused by name.
"""

from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

from fastapi import Request
from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    ValidationError,
)

from triggerfish.domain.errors import FieldError, InvalidInput
from triggerfish.domain.event_log import EventLogFilter
from triggerfish.domain.event_summary import MAX_HOURS
from triggerfish.domain.model_errors import field_errors, names_of
from triggerfish.domain.page import DEFAULT_LIMIT, MAX_LIMIT
from triggerfish.domain.replay import MAX_REPLAYS
from triggerfish.domain.retention import View
from triggerfish.domain.timestamps import is_rfc3339
from triggerfish.domain.trigger import MAX_BATCH
from triggerfish.domain.upcoming import DEFAULT_COUNT, MAX_COUNT
from triggerfish.usecases.query_event_logs import Window

M = TypeVar("M", bound=BaseModel)


def _time(value: Any) -> Any:
    """Pydantic would take a number for Unix time, and half a time for a whole one."""
    if not isinstance(value, str) or not is_rfc3339(value):
        raise ValueError("must be an RFC 3339 time")
    return value


def _truth(value: Any) -> Any:
    """Of all that Pydantic takes for a boolean (`1`, `on`, …), what JSON calls one."""
    if str(value).lower() not in ("true", "false"):
        raise ValueError("must be true or false")
    return value


def _number(value: Any) -> Any:
    """In a body 5 and 5.0 are the same number, but "5" and true are none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("must be a number")
    return value


Time = Annotated[AwareDatetime, BeforeValidator(_time)]
Truth = Annotated[bool, BeforeValidator(_truth)]
Cursor = Annotated[
    str,
    Field(description="`next_cursor` of the page before.", json_schema_extra={"format": "cursor"}),
]
OfView = Annotated[
    Literal["active", "archived"], Field(description="Younger than two hours, or older.")
]
OfState = Annotated[
    Literal["active", "archived", "all"] | None,
    Field(description="The same as `view` by the name that events show, or `all` of both."),
]
OfTrigger = Annotated[UUID | None, Field(description="Of this trigger.")]
FromSource = Annotated[
    Literal["api", "scheduled", "manual-test", "replay"] | None,
    Field(description="What made it fire."),
]
From = Annotated[Time | None, Field(alias="from", description="Fired then or later.")]
To = Annotated[Time | None, Field(alias="to", description="Fired then or earlier.")]


async def refuse_repeats(request: Request) -> None:
    """A FastAPI dependency: of two values for one parameter, neither is obviously meant."""
    given = [name for name, _ in request.query_params.multi_items()]
    twice = sorted({name for name in given if given.count(name) > 1})
    if twice:
        details = (FieldError(name, "is given more than once") for name in twice)
        raise InvalidInput("The query is not valid.", details)


class PageQuery(BaseModel):
    """What every list takes."""

    model_config = ConfigDict(extra="forbid")

    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT, description="Of a page.")] = DEFAULT_LIMIT
    cursor: Cursor | None = None


class CountQuery(BaseModel):
    """GET /api/v1/triggers/{trigger_id}/next-fires"""

    model_config = ConfigDict(extra="forbid")

    count: Annotated[int, Field(ge=1, le=MAX_COUNT, description="How many fires.")] = DEFAULT_COUNT


class TriggerQuery(PageQuery):
    """GET /api/v1/triggers"""

    type: Annotated[Literal["scheduled", "api"] | None, Field(description="Of this type.")] = None
    status: Annotated[
        Literal["active", "paused", "completed", "disabled"] | None,
        Field(description="In this status."),
    ] = None


class OperationalEventQuery(PageQuery):
    """GET /api/v1/operational-events"""

    trigger_id: OfTrigger = None


class EventLogQuery(PageQuery):
    """GET /api/v1/event-logs; `from` and `to` are inclusive."""

    view: OfView = "active"
    state: OfState = None
    trigger_id: OfTrigger = None
    status: Annotated[
        Literal["pending", "delivering", "held", "success", "failure"] | None,
        Field(description="In this status."),
    ] = None
    source: FromSource = None
    is_test: Annotated[Truth | None, Field(description="Test runs only, or none.")] = None
    since: From = None
    until: To = None


class TriggerBatch(BaseModel):
    """POST /api/v1/triggers/batch; what is wrong with one trigger is no fault of the body."""

    model_config = ConfigDict(extra="forbid")

    triggers: Annotated[list[Any], Field(min_length=1, max_length=MAX_BATCH)]


Where = Annotated[
    Literal["original", "current"],
    Field(description="The endpoint of the revision that fired then, or the trigger's of now."),
]


class ReplayOneBody(BaseModel):
    """POST /api/v1/event-logs/{event_id}/replay; may be left out."""

    model_config = ConfigDict(extra="forbid")

    endpoint: Where = "original"


class ReplayBody(BaseModel):
    """POST /api/v1/event-logs/replay; what is still open cannot be chosen."""

    model_config = ConfigDict(extra="forbid")

    view: OfView = "active"
    trigger_id: OfTrigger = None
    status: Literal["success", "failure"] | None = None
    source: FromSource = None
    is_test: StrictBool | None = None
    since: From = None
    until: To = None
    limit: Annotated[
        int, Field(ge=1, le=MAX_REPLAYS, description="Of one request."), BeforeValidator(_number)
    ] = MAX_REPLAYS
    cursor: Cursor | None = None
    dry_run: StrictBool = False
    endpoint: Where = "original"


def chosen(query: EventLogQuery | ReplayBody) -> tuple[EventLogFilter, Window]:
    """The events that a list or a replay is about."""
    filter = EventLogFilter(query.trigger_id, query.status, query.source, query.is_test)
    return filter, Window(_view(query), query.since, query.until)


def _view(query: EventLogQuery | ReplayBody) -> View | None:
    state = query.state if isinstance(query, EventLogQuery) else None
    if state is not None and "view" in query.model_fields_set:
        error = FieldError("state", "is given together with view; give one of them")
        raise InvalidInput("The query is not valid.", (error,))
    return None if state == "all" else View(state or query.view)


def read_model(model: type[M], raw: object) -> M:
    """A decoded JSON body as a model. Raises InvalidInput naming every wrong field."""
    if not isinstance(raw, dict):
        raise InvalidInput("The body is not valid.", (FieldError("body", "must be an object"),))
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        details = field_errors(error.errors(), names_of(model), of="this body")
        raise InvalidInput("The body is not valid.", details) from error


class HoursQuery(BaseModel):
    """GET /api/v1/event-logs/summary and GET /api/v1/metrics"""

    model_config = ConfigDict(extra="forbid")

    hours: Annotated[int, Field(ge=1, le=MAX_HOURS, description="How far back.")] = MAX_HOURS
