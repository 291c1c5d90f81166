"""The edge of queue functions: records to jobs, poison and trouble to `batchItemFailures`."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from triggerfish.domain.delivery import EventRef
from triggerfish.domain.errors import TryLater
from triggerfish.domain.message import message_body, parse_message
from triggerfish.edge.queue_function import Batch, queue_function

JOB = (EventRef(UUID(int=1), datetime(2026, 3, 2, tzinfo=UTC), "endpoint"),)
Jobs = Batch[tuple[EventRef, ...]]
GOOD = json.dumps(message_body(JOB))


def event(*bodies: str) -> dict[str, Any]:
    return {"Records": [{"messageId": str(n), "body": body} for n, body in enumerate(bodies)]}


def failed(answer: dict[str, Any]) -> list[str]:
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


async def test_jobs_reach_the_function_and_nothing_fails():
    seen: list[Jobs] = []

    @queue_function(parse_message)
    async def handler(batch: Jobs) -> None:
        seen.append(batch)

    assert await handler.native(event(GOOD, GOOD), None) == {"batchItemFailures": []}
    assert seen == [Batch([JOB, JOB])]


@pytest.mark.parametrize(
    "poison",
    [
        "",
        "not json",
        "{}",
        "[]",
        "null",
        json.dumps(message_body(JOB) | {"v": 1}),
        "[" * 100_000,
        '{"v": 2, "events": [' + "9" * 5000 + "]}",
        GOOD.replace('"v": 2', '"v": NaN'),
    ],
    ids=lambda text: text[:20],
)
async def test_a_record_that_is_no_job_fails_alone(poison):
    seen: list[Jobs] = []

    @queue_function(parse_message)
    async def handler(batch: Jobs) -> None:
        seen.append(batch)

    assert failed(await handler.native(event(GOOD, poison, GOOD), None)) == ["1"]
    assert seen == [Batch([JOB, JOB])]


async def test_a_job_about_nothing_there_is_fails_alone_like_one_that_is_none():
    other = (replace(JOB[0], event_id=UUID(int=2)),)

    @queue_function(parse_message)
    async def handler(batch: Jobs) -> list[tuple[EventRef, ...]]:
        return [ref for ref in batch.refs if ref == other]

    unknown = json.dumps(message_body(other))
    answer = await handler.native(event(GOOD, "poison", unknown, GOOD, unknown), None)
    assert failed(answer) == ["1", "2", "4"]


async def test_an_absent_database_puts_the_whole_batch_back():
    @queue_function(parse_message)
    async def handler(batch: Jobs) -> None:
        raise TryLater("away")

    assert failed(await handler.native(event(GOOD, "poison"), None)) == ["0", "1"]


async def test_a_bug_is_not_hidden_in_the_answer():
    @queue_function(parse_message)
    async def handler(batch: Jobs) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await handler.native(event(GOOD), None)
