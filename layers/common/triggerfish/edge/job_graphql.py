"""Import jobs by GraphQL: the schema, its limits, and errors that tell no more than the API's."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NewType

import strawberry
import structlog
from graphql import GraphQLError, OperationDefinitionNode
from strawberry.extensions import MaskErrors, SchemaExtension
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.exceptions import CannotGetOperationTypeError
from strawberry.types import ExecutionContext

from triggerfish.domain import job as domain
from triggerfish.domain.access import Principal
from triggerfish.domain.errors import FieldError, InvalidInput, NotFound, TriggerfishError, TryLater
from triggerfish.domain.page import DEFAULT_LIMIT, MAX_LIMIT
from triggerfish.domain.timestamps import format_rfc3339
from triggerfish.edge.graphql_limits import DocumentLimits
from triggerfish.edge.http import parse_id
from triggerfish.usecases.manage_jobs import ManageJobsDeps, get_job, list_errors

log = structlog.get_logger()

Long = NewType("Long", int)
SCALARS: dict[object, Any] = {
    Long: strawberry.scalar(name="Long", description="An integer beyond 32 bits.", serialize=int)
}


@dataclass(frozen=True, slots=True)
class Context:
    """Who asks, with what to answer, and which operation of the query is meant."""

    caller: Principal
    deps: ManageJobsDeps
    operation: str | None = None


Info = strawberry.Info[Context, None]


@strawberry.type(description="Lines read so far.")
class JobLines:
    total: Long
    accepted: Long
    rejected: Long


@strawberry.type(description="A line that is no log entry, and why.")
class JobError:
    line: Long
    reason: str


@strawberry.type
class JobErrorPage:
    data: list[JobError]
    next_cursor: str | None


@strawberry.type(description="The import of a file.")
class Job:
    id: strawberry.ID
    status: str
    error: str | None
    file_name: str
    size: Long
    percent: int
    lines: JobLines
    created_at: str
    started_at: str | None
    completed_at: str | None
    job: strawberry.Private[domain.Job]

    @strawberry.field(  # type: ignore[untyped-decorator]
        description="The first bad lines, in the order of the file."
    )
    async def errors(
        self, info: Info, limit: int = DEFAULT_LIMIT, cursor: str | None = None
    ) -> JobErrorPage:
        if not 1 <= limit <= MAX_LIMIT:
            message = f"must be from 1 to {MAX_LIMIT}"
            raise InvalidInput("The query is not valid.", (FieldError("limit", message),))
        context = info.context
        page = await list_errors(
            self.job.id, context.caller, context.deps, limit=limit, cursor=cursor
        )
        errors = [JobError(line=Long(one.line_no), reason=one.reason) for one in page.items]
        return JobErrorPage(data=errors, next_cursor=page.next_cursor)


@strawberry.type
class Query:
    @strawberry.field(  # type: ignore[untyped-decorator]
        description="A job of your project; null if there is none of that id."
    )
    async def job(self, info: Info, id: strawberry.ID) -> Job | None:
        try:
            found = await get_job(parse_id(id, "job"), info.context.caller, info.context.deps)
        except NotFound:
            return None
        return _job(found)


class OneOperation(SchemaExtension):
    """Refuses several operations without a name; Strawberry would run the first of them."""

    def on_validate(self) -> Iterator[None]:
        execution = self.execution_context
        given = execution.graphql_document.definitions if execution.graphql_document else ()
        count = sum(isinstance(one, OperationDefinitionNode) for one in given)
        if count > 1 and execution.context.operation is None:
            message = "The query has several operations: name the one to run as operationName."
            execution.pre_execution_errors = [GraphQLError(message)]
        yield


class JobSchema(strawberry.Schema):
    """Logs what is our own fault, and nothing that a caller can cause."""

    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        for error in errors:
            if _is_ours(error):
                log.error("graphql_failed", exc_info=error.original_error)


def _is_ours(error: GraphQLError) -> bool:
    cause = error.original_error
    return cause is not None and not isinstance(cause, TriggerfishError | GraphQLError)


SCHEMA = JobSchema(
    Query,
    config=StrawberryConfig(scalar_map=SCALARS),
    extensions=[
        OneOperation,
        DocumentLimits,
        lambda: MaskErrors(should_mask_error=_is_ours, error_message="Something went wrong."),
    ],
)


async def execute(query: str, variables: dict[str, Any] | None, context: Context) -> dict[str, Any]:
    """The answer to a GraphQL request, errors included. Raises TryLater when a store is away."""
    name = context.operation
    try:
        result = await SCHEMA.execute(
            query, variable_values=variables, operation_name=name, context_value=context
        )
    except CannotGetOperationTypeError:
        named = "" if name is None else f' named "{name[:64]}", as operationName says'
        return {"data": None, "errors": [{"message": f"The query has no operation{named}."}]}
    for error in result.errors or []:
        if isinstance(error.original_error, TryLater):
            raise error.original_error
    answer: dict[str, Any] = {"data": result.data}
    if result.errors:
        answer["errors"] = [_shown(error) for error in result.errors]
    return answer


def _shown(error: GraphQLError) -> dict[str, Any]:
    """As GraphQL has errors, with every wrong field in the message."""
    shown: dict[str, Any] = {**error.formatted}
    cause = error.original_error
    if isinstance(cause, InvalidInput):
        details = "; ".join(f"{one.field} {one.message}" for one in cause.details)
        shown["message"] = f"{cause.message} {details}."
    return shown


def _job(job: domain.Job) -> Job:
    return Job(
        id=strawberry.ID(str(job.id)),
        status=job.status.value,
        error=job.error,
        file_name=job.file_name,
        size=Long(job.size),
        percent=job.percent,
        lines=JobLines(
            total=Long(job.accepted + job.rejected),
            accepted=Long(job.accepted),
            rejected=Long(job.rejected),
        ),
        created_at=format_rfc3339(job.created_at),
        started_at=format_rfc3339(job.started_at) if job.started_at else None,
        completed_at=format_rfc3339(job.completed_at) if job.completed_at else None,
        job=job,
    )
