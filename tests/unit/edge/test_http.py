"""The app that every HTTP function is made of: our own errors, and those that we did not expect."""

import httpx
import pytest
from fastapi import FastAPI, Request

from triggerfish.domain.errors import (
    Conflict,
    FieldError,
    Forbidden,
    InvalidInput,
    KeyReused,
    NotFound,
    Stale,
    TooLarge,
    TriggerfishError,
    TryLater,
    Unauthorised,
)
from triggerfish.edge.errors import STATUS
from triggerfish.edge.http import build_app


def client(app: FastAPI) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://app")


async def answer_to(error: Exception) -> httpx.Response:
    app = build_app()

    @app.get("/")
    async def fail(request: Request) -> None:
        raise error

    async with client(app) as http:
        return await http.get("/")


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (InvalidInput("no", [FieldError("a", "b")]), 400, "VALIDATION_ERROR"),
        (Unauthorised("no"), 401, "UNAUTHORISED"),
        (Forbidden("no"), 403, "FORBIDDEN"),
        (NotFound("no"), 404, "NOT_FOUND"),
        (Conflict("no"), 409, "CONFLICT"),
        (Stale("no"), 412, "STALE"),
        (TooLarge("no"), 413, "TOO_LARGE"),
        (KeyReused("no"), 422, "IDEMPOTENCY_KEY_REUSED"),
        (TryLater("no"), 503, "TRY_LATER"),
    ],
)
async def test_each_of_our_errors_has_its_status_and_code(error, status, code):
    answer = await answer_to(error)
    details = [{"field": "a", "message": "b"}] if status == 400 else []
    assert answer.status_code == status
    assert answer.json()["error"] == {
        "code": code,
        "message": "no",
        "details": details,
        "request_id": answer.headers["x-request-id"],
    }


def test_no_error_of_ours_is_without_a_status():
    assert set(STATUS) == set(TriggerfishError.__subclasses__())


@pytest.mark.parametrize(("asked", "said"), [(None, "1"), (30, "30"), (0.2, "1"), (2.5, "3")])
async def test_try_later_says_when_in_whole_seconds_and_at_least_one(asked, said):
    assert (await answer_to(TryLater("no", asked))).headers["retry-after"] == said


async def test_a_bug_answers_in_the_same_shape_and_tells_nothing():
    answer = await answer_to(ZeroDivisionError("secret detail"))
    assert answer.status_code == 500
    assert "secret" not in answer.text
    error = answer.json()["error"]
    assert error["code"] == "INTERNAL_ERROR"
    assert error["request_id"] == answer.headers["x-request-id"]


async def test_each_request_has_an_id_of_its_own():
    async with client(build_app()) as http:
        ids = [(await http.get("/")).headers["x-request-id"] for _ in range(3)]
    assert len(set(ids)) == 3
