"""The one error shape, and the one table from errors to HTTP."""

from math import ceil
from typing import Any

from triggerfish.domain.errors import (
    Conflict,
    FieldError,
    Forbidden,
    InvalidInput,
    KeyReused,
    NotFound,
    Stale,
    TooLarge,
    TooManyRequests,
    TriggerfishError,
    TryLater,
    Unauthorised,
)

STATUS: dict[type[TriggerfishError], tuple[int, str]] = {
    InvalidInput: (400, "VALIDATION_ERROR"),
    Unauthorised: (401, "UNAUTHORISED"),
    Forbidden: (403, "FORBIDDEN"),
    NotFound: (404, "NOT_FOUND"),
    Conflict: (409, "CONFLICT"),
    Stale: (412, "STALE"),
    TooLarge: (413, "TOO_LARGE"),
    KeyReused: (422, "IDEMPOTENCY_KEY_REUSED"),
    TooManyRequests: (429, "RATE_LIMITED"),
    TryLater: (503, "TRY_LATER"),
}
CODES = {
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    413: "TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    500: "INTERNAL_ERROR",
}
RETRY_AFTER_SECONDS = 1


def envelope(
    code: str, message: str, request_id: str, details: tuple[FieldError, ...] = ()
) -> dict[str, Any]:
    """The body of every answer that is not a success."""
    return {
        "error": {
            "code": code,
            "message": message,
            "details": [{"field": one.field, "message": one.message} for one in details],
            "request_id": request_id,
        }
    }


def of_error(
    error: TriggerfishError, request_id: str
) -> tuple[int, dict[str, Any], dict[str, str]]:
    """Status, body and headers for one of our errors."""
    status, code = STATUS[type(error)]
    details = error.details if isinstance(error, InvalidInput) else ()
    headers: dict[str, str] = {}
    if isinstance(error, TryLater | TooManyRequests):
        headers["retry-after"] = str(ceil(error.retry_after_seconds or RETRY_AFTER_SECONDS))
    if isinstance(error, Unauthorised):
        headers["www-authenticate"] = "Bearer"
    return status, envelope(code, error.message, request_id, details), headers
