"""The comparison that every integration test makes: it must fail when an answer is not as described."""

from typing import Any

import httpx
import pytest

from tests.documented import check_answer

PROJECT = {
    "id": "01a20372-2184-74e2-a14b-0436f0db3a11",
    "name": "acme",
    "created_at": "2026-11-22T13:29:01.060318Z",
}


def an_answer(status: int, body: Any, path: str = "/api/v1/projects") -> httpx.Response:
    request = httpx.Request("GET", f"http://triggerfish.test{path}")
    return httpx.Response(status, json=body, request=request)


async def test_an_answer_as_described_passes() -> None:
    await check_answer(an_answer(200, {"data": [PROJECT], "next_cursor": None}))


@pytest.mark.parametrize(
    "body",
    [
        {"data": [PROJECT | {"colour": "red"}], "next_cursor": None},
        {"data": [PROJECT | {"id": "1"}], "next_cursor": None},
        {"data": [PROJECT | {"created_at": "today"}], "next_cursor": None},
        {"data": [PROJECT]},
        [],
    ],
)
async def test_a_field_that_is_new_wrong_or_missing_fails(body: Any) -> None:
    with pytest.raises(AssertionError, match="GET /api/v1/projects"):
        await check_answer(an_answer(200, body))


async def test_a_status_that_is_not_described_fails() -> None:
    with pytest.raises(AssertionError, match="418 is not documented"):
        await check_answer(an_answer(418, {}))


async def test_an_exact_path_comes_before_one_with_a_parameter() -> None:
    with pytest.raises(AssertionError, match="event-logs/summary"):
        await check_answer(an_answer(200, {"data": []}, "/api/v1/event-logs/summary"))


async def test_what_no_operation_answers_is_left_alone() -> None:
    await check_answer(an_answer(404, {}, "/nowhere"))
