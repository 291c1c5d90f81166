"""Invoking one function: lanes, context, timeouts and the error envelope."""

import asyncio
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.runtime.context import context_for
from local.runtime.events import sample
from local.runtime.invoker import Invoker, UnknownFunctionError, invoke_once
from local.runtime.lane import LambdaLane
from local.runtime.loader import Handler
from local.runtime.template import Function, load
from tests.unit.local.sample.paths import SAMPLE_TEMPLATE


def function(timeout: float = 5) -> Function:
    return Function("F", "f", Path("/"), "m", "handler", timeout_seconds=timeout, memory_mb=256)


class Invoking(Invoker):
    """An invoker of one given handler."""

    def __init__(self, handler: Handler, timeout: float = 5, **options: Any) -> None:
        super().__init__({"f": function(timeout)}, new_id=lambda: "id-1", **options)
        self._handlers["f"] = handler


@pytest.fixture
def lane() -> Iterator[LambdaLane]:
    lane = LambdaLane(3)
    yield lane
    lane.close()


def two_laned() -> Handler:
    def handler(event: Any, context: Any) -> str:
        return "lambda"

    async def native(event: Any, context: Any) -> str:
        return "native"

    handler.native = native  # type: ignore[attr-defined]
    return handler


async def test_the_native_lane_takes_the_coroutine_and_the_event_lane_the_handler(
    lane: LambdaLane,
) -> None:
    assert (await Invoking(two_laned(), threads=lane).invoke("f", {})).payload == "native"
    event_lane = Invoking(two_laned(), lane="event", threads=lane)
    assert (await event_lane.invoke("f", {})).payload == "lambda"


async def test_a_plain_handler_finds_an_event_loop_of_its_own(lane: LambdaLane) -> None:
    async def inner() -> str:
        await asyncio.sleep(0)
        return threading.current_thread().name

    def handler(event: Any, context: Any) -> Any:
        return asyncio.get_event_loop().run_until_complete(inner())

    result = await Invoking(handler, threads=lane).invoke("f", {})
    assert result.payload.startswith("lambda")


async def test_plain_handlers_run_side_by_side(lane: LambdaLane) -> None:
    together = threading.Barrier(3, timeout=5)

    def handler(event: Any, context: Any) -> int:
        return together.wait()

    invoker = Invoking(handler, threads=lane)
    results = await asyncio.gather(*(invoker.invoke("f", {}) for _ in range(3)))
    assert sorted(result.payload for result in results) == [0, 1, 2]


async def test_an_exception_becomes_lambdas_envelope_without_our_own_frames(
    lane: LambdaLane,
) -> None:
    def handler(event: Any, context: Any) -> None:
        raise ValueError("bad event")

    result = await Invoking(handler, threads=lane).invoke("f", {})
    assert result.error is not None
    envelope = result.error.envelope()
    (frame,) = envelope.pop("stackTrace")
    assert "in handler" in frame
    assert "raise ValueError" in frame
    assert envelope == {
        "errorMessage": "bad event",
        "errorType": "ValueError",
        "requestId": "id-1",
    }
    assert result.error.traceback.startswith("Traceback (most recent call last)")
    assert result.error.traceback.endswith("ValueError: bad event\n")


async def test_a_handler_that_exits_does_not_end_the_runtime(lane: LambdaLane) -> None:
    def handler(event: Any, context: Any) -> None:
        raise SystemExit(3)

    result = await Invoking(handler, threads=lane).invoke("f", {})
    assert result.error is not None
    assert result.error.type == "SystemExit"


@pytest.mark.parametrize("native", [True, False])
async def test_a_slow_coroutine_is_cancelled_at_its_timeout_in_both_lanes(
    lane: LambdaLane, native: bool
) -> None:
    cancelled = threading.Event()

    async def slow(event: Any, context: Any) -> None:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    def handler(event: Any, context: Any) -> Any:
        return asyncio.get_event_loop().run_until_complete(slow(event, context))

    handler.native = slow  # type: ignore[attr-defined]
    invoker = Invoking(handler, 0.05, lane="native" if native else "event", threads=lane)
    result = await invoker.invoke("f", {})
    assert result.error is not None
    assert result.error.message == "Task timed out after 0.05 seconds"
    assert await asyncio.to_thread(cancelled.wait, 5)


async def test_a_timeout_error_of_the_function_itself_is_not_ours(lane: LambdaLane) -> None:
    async def native(event: Any, context: Any) -> None:
        raise TimeoutError("the database")

    handler = two_laned()
    handler.native = native  # type: ignore[attr-defined]
    result = await Invoking(handler, threads=lane).invoke("f", {})
    assert result.error is not None
    assert (result.error.type, result.error.message) == ("TimeoutError", "the database")


def test_the_context_has_lambdas_members_and_counts_down() -> None:
    now = [100.0]
    context = context_for(function(timeout=3), "id-1", lambda: now[0])
    assert context.aws_request_id == "id-1"
    assert context.function_name == "f"
    assert context.memory_limit_in_mb == "256"
    assert context.invoked_function_arn == "arn:aws:lambda:us-east-1:000000000000:function:f"
    assert context.log_group_name == "/aws/lambda/f"
    assert context.get_remaining_time_in_millis() == 3000
    now[0] = 102.5
    assert context.get_remaining_time_in_millis() == 500
    now[0] = 200
    assert context.get_remaining_time_in_millis() == 0


@pytest.fixture
def unchanged_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("SAMPLE_GREETING", "SAMPLE_QUEUE_URL", "AWS_DEFAULT_REGION")
    for name in (*names, "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "before")


@pytest.mark.usefixtures("unchanged_environment")
def test_one_function_can_be_invoked_alone() -> None:
    template = load(SAMPLE_TEMPLATE, sqs_endpoint="http://sqs", environ={})
    answer = invoke_once(template, "plain", {"name": "alone"})
    assert answer.payload["name"] == "alone"
    failed = invoke_once(template, "plain", {"name": "fail"}, lane="event")
    assert failed.error is not None
    assert "plain.py" in failed.error.traceback
    with pytest.raises(UnknownFunctionError):
        invoke_once(template, "nobody", {})


async def test_a_function_that_does_not_import_is_a_failed_invocation_with_its_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "crooked_sample.py").write_text("import json\nimport surely_not_installed\n")
    invoker = Invoker({"f": Function("F", "f", tmp_path, "crooked_sample", "handler")})
    result = await invoker.invoke("f", {})
    assert result.error is not None
    assert result.error.type == "Runtime.ImportModuleError"
    first, frame = result.error.traceback.splitlines()[:2]
    assert first == "Traceback (most recent call last):"
    assert 'crooked_sample.py", line 2' in frame
    invoker.close()


@pytest.mark.usefixtures("unchanged_environment")
def test_an_http_function_can_be_invoked_alone_with_a_sample_event() -> None:
    template = load(SAMPLE_TEMPLATE, sqs_endpoint="http://sqs", environ={})
    event = sample("http")
    event["requestContext"]["http"]["path"] = "/items"
    answer = invoke_once(template, "web", event)
    assert (answer.payload["statusCode"], answer.payload["body"]) == (201, event["body"])


async def test_closing_the_lane_waits_for_what_runs() -> None:
    finished = []
    lane = LambdaLane(1)

    def handler(event: Any, context: Any) -> None:
        time.sleep(0.05)
        finished.append(True)

    task = asyncio.create_task(Invoking(handler, threads=lane).invoke("f", {}))
    await asyncio.sleep(0.01)
    await asyncio.to_thread(lane.close)
    await task
    assert finished == [True]
