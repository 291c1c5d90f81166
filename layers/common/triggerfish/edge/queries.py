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
    StrictInt,
    ValidationError,
)

from triggerfish.domain.errors import FieldError, InvalidInput
from triggerfish.domain.event_summary import MAX_HOURS
from triggerfish.domain.log_entry import level_name
from triggerfish.domain.page import DEFAULT_LIMIT, MAX_LIMIT
from triggerfish.domain.replay import MAX_REPLAYS
from triggerfish.domain.upcoming import DEFAULT_COUNT, MAX_COUNT

M = TypeVar("M", bound=BaseModel)


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

    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT
    cursor: Annotated[str | None, Field(max_length=500)] = None


class CountQuery(BaseModel):
    """GET /api/v1/triggers/{trigger_id}/next-fires"""

    model_config = ConfigDict(extra="forbid")

    count: Annotated[int, Field(ge=1, le=MAX_COUNT)] = DEFAULT_COUNT


class TriggerQuery(PageQuery):
    """GET /api/v1/triggers"""

    type: Literal["scheduled", "api"] | None = None
    status: Literal["active", "paused", "completed", "disabled"] | None = None


class OperationalEventQuery(PageQuery):
    """GET /api/v1/operational-events"""

    trigger_id: UUID | None = None


class EventLogQuery(PageQuery):
    """GET /api/v1/event-logs; `from` and `to` are inclusive."""

    view: Literal["active", "archived"] = "active"
    trigger_id: UUID | None = None
    status: Literal["pending", "delivering", "held", "success", "failure"] | None = None
    source: Literal["api", "scheduled", "manual-test", "replay"] | None = None
    is_test: bool | None = None
    since: Annotated[AwareDatetime | None, Field(alias="from")] = None
    until: Annotated[AwareDatetime | None, Field(alias="to")] = None


class UploadQuery(BaseModel):
    """POST /api/v1/files/upload"""

    model_config = ConfigDict(extra="forbid")

    on_complete: UUID | None = None


class GraphqlBody(BaseModel):
    """POST /graphql (GraphQL over HTTP)"""

    model_config = ConfigDict(extra="forbid")

    query: Annotated[str, Field(min_length=1)]
    variables: dict[str, Any] | None = None
    operation_name: Annotated[str | None, Field(alias="operationName")] = None
    extensions: dict[str, Any] | None = None


class JobQuery(PageQuery):
    """GET /api/v1/jobs"""

    status: Literal["queued", "processing", "completed", "failed"] | None = None


class EntryQuery(PageQuery):
    """GET /api/v1/jobs/{job_id}/entries; `from` and `to` are inclusive."""

    level: Annotated[str | None, BeforeValidator(level_name)] = None
    text: Annotated[str | None, Field(min_length=1, max_length=200, pattern=r"^[^\x00]*$")] = None
    since: Annotated[AwareDatetime | None, Field(alias="from")] = None
    until: Annotated[AwareDatetime | None, Field(alias="to")] = None


def _text(value: Any) -> Any:
    """Pydantic takes a number for Unix time; in a body that is rather a mistake."""
    if not isinstance(value, str):
        raise ValueError("must be an RFC 3339 time")
    return value


BodyTime = Annotated[AwareDatetime, BeforeValidator(_text)]


class ReplayBody(BaseModel):
    """POST /api/v1/event-logs/replay; what is still open cannot be chosen."""

    model_config = ConfigDict(extra="forbid")

    view: Literal["active", "archived"] = "active"
    trigger_id: UUID | None = None
    status: Literal["success", "failure"] | None = None
    source: Literal["api", "scheduled", "manual-test", "replay"] | None = None
    is_test: StrictBool | None = None
    since: Annotated[BodyTime | None, Field(alias="from")] = None
    until: Annotated[BodyTime | None, Field(alias="to")] = None
    limit: Annotated[StrictInt, Field(ge=1, le=MAX_REPLAYS)] = MAX_REPLAYS
    cursor: Annotated[str | None, Field(max_length=500)] = None
    dry_run: StrictBool = False


def read_model(model: type[M], raw: object) -> M:
    """A decoded JSON body as a model. Raises InvalidInput naming every wrong field."""
    if not isinstance(raw, dict):
        raise InvalidInput("The body is not valid.", (FieldError("body", "must be an object"),))
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        details = (FieldError(_place(one["loc"]), one["msg"]) for one in error.errors())
        raise InvalidInput("The body is not valid.", details) from error


def _place(location: tuple[int | str, ...]) -> str:
    return str(location[0])[:100]


class HoursQuery(BaseModel):
    """GET /api/v1/event-logs/summary and GET /api/v1/metrics"""

    model_config = ConfigDict(extra="forbid")

    hours: Annotated[int, Field(ge=1, le=MAX_HOURS)] = MAX_HOURS
