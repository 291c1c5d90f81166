"""The queries and bodies about imports, as models: wrong values are refused by name."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from triggerfish.domain.log_entry import LEVELS, level_name
from triggerfish.edge.queries import PageQuery, Time

MAX_TEXT_CHARACTERS = 200
LineCursor = Annotated[
    str,
    Field(
        description="`next_cursor` of the page before.", json_schema_extra={"format": "line-cursor"}
    ),
]


class UploadQuery(BaseModel):
    """POST /api/v1/files/upload"""

    model_config = ConfigDict(extra="forbid")

    on_complete: Annotated[
        UUID | None, Field(description="An API trigger that the end of the import fires.")
    ] = None


class JobQuery(PageQuery):
    """GET /api/v1/jobs"""

    status: Annotated[
        Literal["queued", "processing", "completed", "failed"] | None,
        Field(description="In this status."),
    ] = None


class LineQuery(PageQuery):
    """GET /api/v1/jobs/{job_id}/errors"""

    cursor: LineCursor | None = None


class EntryQuery(LineQuery):
    """GET /api/v1/jobs/{job_id}/entries; `from` and `to` are inclusive."""

    level: Annotated[
        str | None,
        BeforeValidator(level_name),
        Field(description="Of this level.", json_schema_extra={"enum": list(LEVELS)}),
    ] = None
    text: Annotated[
        str | None,
        Field(
            description="With this in the message, in any case.",
            min_length=1,
            max_length=MAX_TEXT_CHARACTERS,
            pattern=r"^[^\x00]*$",
        ),
    ] = None
    since: Annotated[Time | None, Field(alias="from", description="Of then or later.")] = None
    until: Annotated[Time | None, Field(alias="to", description="Of then or earlier.")] = None


class GraphqlBody(BaseModel):
    """POST /graphql (GraphQL over HTTP)"""

    model_config = ConfigDict(extra="forbid")

    query: Annotated[str, Field(min_length=1)]
    variables: dict[str, Any] | None = None
    operation_name: Annotated[str | None, Field(alias="operationName")] = None
    extensions: dict[str, Any] | None = None
