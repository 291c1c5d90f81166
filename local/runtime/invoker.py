"""Invokes one function with one event; the outcome is a value: a payload or an error envelope."""

import asyncio
import concurrent.futures
import importlib
import os
import time
import traceback
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from local.runtime.context import LambdaContext, context_for
from local.runtime.environment import apply_environment
from local.runtime.lane import LambdaLane
from local.runtime.loader import Handler, LoadError, load_handler
from local.runtime.model import Function, Template

Lane = Literal["native", "event"]
_NOT_THE_FUNCTION = (
    str(Path(__file__).parent),
    *(os.path.dirname(str(module.__file__)) for module in (asyncio, concurrent.futures, importlib)),
    "<frozen importlib",
)


class UnknownFunctionError(KeyError):
    """The template has no function of that name."""


@dataclass(frozen=True, slots=True)
class FunctionError:
    """`traceback` is the function's own part of it, causes included, ready to print."""

    message: str
    type: str
    request_id: str
    stack: tuple[str, ...] = ()
    traceback: str = ""

    def envelope(self) -> dict[str, Any]:
        """The JSON object Lambda answers with X-Amz-Function-Error."""
        return {
            "errorMessage": self.message,
            "errorType": self.type,
            "requestId": self.request_id,
            "stackTrace": list(self.stack),
        }


@dataclass(frozen=True, slots=True)
class Result:
    """Either `error`, or the handler's `payload` (None is a payload)."""

    request_id: str
    seconds: float
    payload: Any = None
    error: FunctionError | None = None


class Invoker:
    """Holds the loaded handlers of a template.

    In the native lane a handler's `.native` coroutine is preferred.
    """

    def __init__(
        self,
        functions: Mapping[str, Function],
        *,
        lane: Lane = "native",
        threads: LambdaLane | None = None,
        clock: Callable[[], float] = time.monotonic,
        new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        self.functions = functions
        self.new_id = new_id
        self._lane = lane
        self._threads = threads or LambdaLane()
        self._clock = clock
        self._handlers: dict[str, Handler] = {}

    def handler(self, name: str) -> Handler:
        """The function's handler, imported once. Raises UnknownFunctionError and LoadError."""
        if name not in self._handlers:
            if name not in self.functions:
                raise UnknownFunctionError(name)
            self._handlers[name] = load_handler(self.functions[name])
        return self._handlers[name]

    async def invoke(self, name: str, event: Any, request_id: str = "") -> Result:
        """Run the function within its timeout.

        Raises UnknownFunctionError; everything else is in the Result.
        """
        request_id = request_id or self.new_id()
        started = self._clock()
        try:
            handler = self.handler(name)
        except LoadError as error:
            failure = _load_failure(error, request_id)
            return Result(request_id, self._clock() - started, error=failure)
        function = self.functions[name]
        context = context_for(function, request_id, self._clock)
        outcome = await self._run(handler, event, context, function.timeout_seconds)
        seconds = self._clock() - started
        if isinstance(outcome, FunctionError):
            return Result(request_id, seconds, error=outcome)
        return Result(request_id, seconds, payload=outcome)

    def close(self) -> None:
        """Wait for the Lambda lane's running handlers and end its threads."""
        self._threads.close()

    async def _run(self, handler: Handler, event: Any, context: LambdaContext, limit: float) -> Any:
        """The handler's answer, or a FunctionError."""
        native = getattr(handler, "native", None) if self._lane == "native" else None
        timer = asyncio.timeout(limit)
        try:
            async with timer:
                if native is not None:
                    return await native(event, context)
                return await self._threads.run(handler, event, context)
        except (Exception, SystemExit) as error:
            # The function is a stranger: whatever it raises is its answer.
            if timer.expired():
                message = f"Task timed out after {limit:.2f} seconds"
                return FunctionError(message, "Sandbox.Timedout", context.aws_request_id)
            return _function_error(error, context.aws_request_id)


def invoke_once(template: Template, name: str, event: Any, *, lane: Lane = "native") -> Result:
    """Run one function in this process, for debugging it alone.

    `result.error.traceback` is the function's own traceback.

    Raises UnknownFunctionError and TemplateError.
    """
    apply_environment(template, os.environ)
    invoker = Invoker(template.functions, lane=lane, threads=LambdaLane(1))
    try:
        return asyncio.run(invoker.invoke(name, event))
    finally:
        invoker.close()


def _load_failure(error: LoadError, request_id: str) -> FunctionError:
    """With the traceback of what went wrong while importing, if that was it."""
    text = str(error)
    if isinstance(error.__cause__, Exception):
        text = _function_error(error.__cause__, request_id).traceback
    return FunctionError(str(error), error.kind, request_id, traceback=text)


def _function_error(error: Exception | SystemExit, request_id: str) -> FunctionError:
    trimmed = error.with_traceback(_without_runtime(error.__traceback__))
    return FunctionError(
        message=str(error),
        type=type(error).__name__,
        request_id=request_id,
        stack=tuple(traceback.format_tb(trimmed.__traceback__)),
        traceback="".join(traceback.format_exception(trimmed)),
    )


def _without_runtime(frames: TracebackType | None) -> TracebackType | None:
    """Drop our own frames and the standard library's hand-over, up to the function's first own."""
    own = frames
    while own is not None:
        if _is_function_code(own.tb_frame.f_code.co_filename):
            return own
        own = own.tb_next
    return frames


def _is_function_code(filename: str) -> bool:
    return not filename.startswith(_NOT_THE_FUNCTION)
