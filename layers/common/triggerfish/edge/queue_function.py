"""The whole edge of a queue function: SQS records in, `batchItemFailures` out, in both lanes."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import structlog

from triggerfish.domain.errors import InvalidInput, TryLater
from triggerfish.edge.logging import configure, invocation
from triggerfish.edge.loop import run

log = structlog.get_logger()

T = TypeVar("T")

SqsEvent = dict[str, Any]


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
) -> Callable[[Callable[[Batch[T]], Awaitable[None]]], QueueHandler]:
    """Make a queue handler of a coroutine over jobs, which `parse` reads from decoded bodies.

    A record that is not a job fails alone, again and again, until the queue's redrive moves it to
    the dead-letter queue. An unreachable database fails the whole batch: it comes back later.
    """

    def decorate(work: Callable[[Batch[T]], Awaitable[None]]) -> QueueHandler:
        configure()

        async def native(event: SqsEvent, context: Any) -> dict[str, Any]:
            with invocation(context):
                refs, poison = _sort(event, parse)
                try:
                    await work(Batch(refs))
                except TryLater as error:
                    log.warning("batch_put_back", reason=error.message, count=len(event["Records"]))
                    return _failures([record["messageId"] for record in event["Records"]])
                return _failures(poison)

        def handler(event: SqsEvent, context: Any) -> dict[str, Any]:
            return run(native(event, context))

        handler.native = native  # type: ignore[attr-defined]
        return handler  # type: ignore[return-value]

    return decorate


def _sort(event: SqsEvent, parse: Callable[[object], T]) -> tuple[list[T], list[str]]:
    refs: list[T] = []
    poison: list[str] = []
    for record in event["Records"]:
        try:
            refs.append(parse(json.loads(record["body"])))
        except (InvalidInput, ValueError, RecursionError) as error:
            log.warning("poison_message", message_id=record["messageId"], reason=str(error)[:200])
            poison.append(record["messageId"])
    return refs, poison


def _failures(message_ids: list[str]) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": id} for id in message_ids]}
