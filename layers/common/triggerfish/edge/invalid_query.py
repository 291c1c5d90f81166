"""What FastAPI finds wrong in a query string, as our own error."""

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from triggerfish.domain.errors import InvalidInput
from triggerfish.domain.model_errors import field_errors, names_of


def invalid_query(error: RequestValidationError, request: Request) -> InvalidInput:
    """Names every wrong parameter; for an unknown one, the parameter that was probably meant."""
    found = [{**one, "loc": one["loc"][1:]} for one in error.errors()]  # without "query"
    details = field_errors(found, _known(request), of="this query", root="query")
    return InvalidInput("The request is not valid.", details)


def _known(request: Request) -> list[str]:
    """The parameters of the route, each of whose models stands for its fields."""
    route = request.scope.get("route")
    params = route.dependant.query_params if isinstance(route, APIRoute) else []
    models = [param.field_info.annotation for param in params]
    return [name for model in models if hasattr(model, "model_fields") for name in names_of(model)]
