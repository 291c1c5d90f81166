"""The whole edge of a queue function: SQS records in, `batchItemFailures` out, in both lanes."""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import structlog

from triggerfish.domain.errors import InvalidInput, TryLater
from triggerfish.edge.logging import configure, invocation
from triggerfish.edge.loop import run

log = structlog.get_logger()

T = TypeVar("T")

SqsEvent = dict[str, Any]

UNKNOWN = "There is nothing of the id that the message names, and never was."


@dataclass(frozen=True, slots=True)
class Batch(Generic[T]):
    """The jobs of one invocation; what was not a job has been left out."""

    refs: list[T]


class QueueHandler(Protocol):
    """A Lambda handler; `native` is the same for hosts that run coroutines."""

    native: Callable[[SqsEvent, Any], Awaitable[dict[str, Any]]]
    close: Callable[[], Awaitable[None]]  # awaited by hosts that end in an orderly way

    def __call__(self, event: SqsEvent, context: Any) -> dict[str, Any]: ...


def queue_function(
    parse: Callable[[object], T],
) -> Callable[[Callable[[Batch[T]], Awaitable[Sequence[T] | None]]], QueueHandler]:
    """Make a queue handler of a coroutine over jobs, which `parse` reads from decoded bodies.

    A record that is not a job, or one that the coroutine returns as about nothing there is, fails
    alone, again and again, until the queue's redrive moves it to the dead-letter queue. An
    unreachable database fails the whole batch: it comes back later.
    """

    def decorate(work: Callable[[Batch[T]], Awaitable[Sequence[T] | None]]) -> QueueHandler:
        configure()

        async def native(event: SqsEvent, context: Any) -> dict[str, Any]:
            with invocation(context):
                jobs, poison = _sort(event, parse)
                try:
                    unknown = await work(Batch([ref for _, ref in jobs])) or ()
                except TryLater as error:
                    log.warning("batch_put_back", reason=error.message, count=len(event["Records"]))
                    return _failures([record["messageId"] for record in event["Records"]])
                return _failures(
                    poison + [_poison(id, UNKNOWN) for id, ref in jobs if ref in unknown]
                )

        def handler(event: SqsEvent, context: Any) -> dict[str, Any]:
            return run(native(event, context))

        handler.native = native  # type: ignore[attr-defined]
        return handler  # type: ignore[return-value]

    return decorate


def _sort(event: SqsEvent, parse: Callable[[object], T]) -> tuple[list[tuple[str, T]], list[str]]:
    """Jobs with the ids of their messages, and the ids of messages that are none."""
    jobs: list[tuple[str, T]] = []
    poison: list[str] = []
    for record in event["Records"]:
        try:
            jobs.append((record["messageId"], parse(json.loads(record["body"]))))
        except (InvalidInput, ValueError, RecursionError) as error:
            poison.append(_poison(record["messageId"], str(error)[:200]))
    return jobs, poison


def _poison(message_id: str, reason: str) -> str:
    log.warning("poison_message", message_id=message_id, reason=reason)
    return message_id


def _failures(message_ids: list[str]) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": id} for id in message_ids]}
