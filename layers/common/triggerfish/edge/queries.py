"""The query strings of lists, as models: unknown names and wrong values are refused by name."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from triggerfish.domain.errors import FieldError, InvalidInput
from triggerfish.domain.event_summary import MAX_HOURS
from triggerfish.domain.page import DEFAULT_LIMIT, MAX_LIMIT


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


class TriggerQuery(PageQuery):
    """GET /api/v1/triggers"""

    type: Literal["scheduled", "api"] | None = None
    status: Literal["active", "paused", "completed", "disabled"] | None = None


class EventLogQuery(PageQuery):
    """GET /api/v1/event-logs; `from` and `to` are inclusive."""

    view: Literal["active", "archived"] = "active"
    trigger_id: UUID | None = None
    status: Literal["pending", "delivering", "success", "failure"] | None = None
    source: Literal["api", "scheduled", "manual-test", "replay"] | None = None
    is_test: bool | None = None
    since: Annotated[AwareDatetime | None, Field(alias="from")] = None
    until: Annotated[AwareDatetime | None, Field(alias="to")] = None


class HoursQuery(BaseModel):
    """GET /api/v1/event-logs/summary and GET /api/v1/metrics"""

    model_config = ConfigDict(extra="forbid")

    hours: Annotated[int, Field(ge=1, le=MAX_HOURS)] = MAX_HOURS
