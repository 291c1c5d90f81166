"""Kills a process of the platform where a test says: SIGKILL before or after a named call.

Python imports this module by itself at every start that finds its folder on PYTHONPATH, and it
wraps the calls named below as their modules are imported: no line of the platform knows of it.
A point is armed by a file of its name in the folder that TRIGGERFISH_CRASH_POINTS names; its lines
are texts of which one must occur in what is passed or returned, so that the right event is hit.
The file is deleted by the kill, so that a point kills once.
"""

import os
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from threading import Timer
from types import ModuleType
from typing import Any

BEFORE, AFTER, DURING = "before", "after", "during"
DURING_SECONDS = 0.02
SERVICES = {
    "tick": "scheduler",
    "sweep": "scheduler",
    "retention": "scheduler",
    "deliver": "worker",
    "fire_webhook": "gateway",
}
DUE = "triggerfish.adapters.db.due_triggers"
EVENTS = "triggerfish.adapters.db.event_logs"
DELIVERIES = "triggerfish.adapters.db.deliveries"
TICK = "triggerfish.usecases.tick"
KEYS = "triggerfish.adapters.db.idempotency_keys"
RETENTION = "triggerfish.adapters.db.retention"
QUEUE = "triggerfish.adapters.queue_sqs"
SENDER = "triggerfish.adapters.outgoing.sender"
POLLER = "local.runtime.sqs"
BATCH = 5_000
"""Retention's: a move of as many means that there is more to move."""


@dataclass(frozen=True)
class Point:
    """`call` is a coroutine function of `module`, in the service of the function in the name.

    After a call, `hits` says by its result whether it did what the point is about.
    """

    name: str
    module: str
    call: str
    moment: str
    hits: Callable[[Any], object] = lambda result: True

    @property
    def service(self) -> str:
        return SERVICES[self.name.partition(".")[0]]

    def pass_by(self, seen: object, result: object = None) -> None:
        here = self.service in sys.argv[1:2]
        if here and self.hits(result) and take(self.name, repr(seen)):
            if self.moment == DURING:
                Timer(DURING_SECONDS, die).start()
            else:
                die()


def has_claimed(found: Any) -> bool:
    return any(one.events for one in found.values())


POINTS = [
    Point("tick.before_commit", DUE, "_advance", AFTER),
    Point("tick.after_commit", DUE, "DueTriggers.fire", AFTER, lambda fired: fired.refs),
    Point("tick.after_send", QUEUE, "SqsQueue.send", AFTER, lambda sent: sent),
    Point("sweep.after_send", TICK, "_remind", AFTER, lambda sent: sent),
    Point("deliver.after_claim", DELIVERIES, "Deliveries.claim", AFTER, has_claimed),
    Point("deliver.during_post", SENDER, "HttpSender.post", DURING),
    Point("deliver.after_post", SENDER, "HttpSender.post", AFTER),
    Point("deliver.after_outcome", DELIVERIES, "Deliveries.settle", AFTER, lambda it: it.done),
    Point("deliver.before_retry_is_sent", QUEUE, "SqsQueue.send", BEFORE),
    Point("deliver.before_delete", POLLER, "SqsQueue.delete", BEFORE),
    Point("fire_webhook.before_commit", EVENTS, "EventLogs.insert_accepted", BEFORE),
    Point("fire_webhook.after_commit", EVENTS, "EventLogs.insert_accepted", AFTER),
    Point("fire_webhook.after_keyed_commit", KEYS, "IdempotencyKeys.insert", AFTER),
    Point("fire_webhook.after_send", QUEUE, "SqsQueue.send", AFTER, lambda sent: sent),
    Point("retention.after_drop", RETENTION, "Retention.drop_partitions", AFTER, lambda n: n[0]),
    Point("retention.after_delete", RETENTION, "Retention.delete_expired", AFTER, lambda n: n),
    Point("retention.before_move", RETENTION, "Retention.make_partitions", AFTER),
    Point("retention.during_move", RETENTION, "Retention.move", DURING),
    Point("retention.between_moves", RETENTION, "Retention.move", AFTER, lambda n: n == BATCH),
    Point("retention.after_move", RETENTION, "Retention.move", AFTER, lambda n: 0 < n < BATCH),
]


def take(name: str, seen: str) -> bool:
    """Whether the point is armed for this call; it is not any more."""
    armed = Path(os.environ["TRIGGERFISH_CRASH_POINTS"], name)
    try:
        texts = armed.read_text().splitlines()
    except FileNotFoundError:
        return False
    if texts and not any(text in seen for text in texts):
        return False
    armed.unlink()
    return True


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def wrapped(
    call: Callable[..., Awaitable[Any]], points: Sequence[Point]
) -> Callable[..., Awaitable[Any]]:
    async def passing(*args: Any, **options: Any) -> Any:
        for point in points:
            if point.moment != AFTER:
                point.pass_by((args, options))
        result = await call(*args, **options)
        for point in points:
            if point.moment == AFTER:
                point.pass_by((args, options, result), result)
        return result

    return passing


def wrap(module: ModuleType) -> None:
    """Wrap the calls of a module that was just imported."""
    points = [point for point in POINTS if point.module == module.__name__]
    for path in dict.fromkeys(point.call for point in points):
        *owners, name = path.split(".")
        owner: Any = getattr(module, owners[0]) if owners else module
        here = [point for point in points if point.call == path]
        setattr(owner, name, wrapped(getattr(owner, name), here))


class Wrapping(MetaPathFinder):
    """Finds modules as usual, and has the calls in them wrapped once they are imported."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if all(point.module != fullname for point in POINTS):
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is None or spec.loader is None:
            return None
        execute = spec.loader.exec_module

        def execute_and_wrap(module: ModuleType) -> None:
            execute(module)
            wrap(module)

        spec.loader.exec_module = execute_and_wrap  # type: ignore[method-assign]
        return spec


if "TRIGGERFISH_CRASH_POINTS" in os.environ:
    sys.meta_path.insert(0, Wrapping())
