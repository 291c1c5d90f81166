"""Health and metrics: what the platform's own tables and queue say of it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from triggerfish.domain.errors import TryLater
from triggerfish.domain.observation import (
    Backlog,
    Component,
    FinishedCount,
    Heartbeat,
    OutcomeTotals,
    QueueDepth,
    judge_database,
    judge_heartbeat,
    judge_queue,
    judge_worker,
)
from triggerfish.domain.retention import RetentionPolicy
from triggerfish.ports import Clock

T = TypeVar("T")


class ObservationStore(Protocol):
    async def heartbeats(self) -> dict[str, Heartbeat]: ...

    async def backlog(self, *, active_from: datetime, now: datetime) -> Backlog: ...

    async def triggers_by_status(self) -> dict[str, int]: ...

    async def totals(self) -> list[OutcomeTotals]: ...

    async def finished(
        self, *, active_from: datetime, kept_from: datetime
    ) -> list[FinishedCount]: ...

    async def count_expired(self, *, fired_until: datetime) -> int: ...


class QueueDepths(Protocol):
    """The queues of the platform."""

    async def read(self) -> dict[str, QueueDepth]:
        """By name: deliveries, imports, notifications. Raises TryLater when one is away."""
        ...


@dataclass(frozen=True, slots=True)
class ObserveDeps:
    clock: Clock
    store: ObservationStore
    queues: QueueDepths
    refused_write: Callable[[], str | None]
    shortage: Callable[[], str | None]  # of space on the database's disk
    retention: RetentionPolicy
    tick_patience: timedelta
    retention_patience: timedelta


@dataclass(frozen=True, slots=True)
class Health:
    """Every component with its state; ready means that requests will be answered."""

    components: tuple[Component, ...]
    ready: bool

    @property
    def healthy(self) -> bool:
        return all(part.up for part in self.components)


@dataclass(frozen=True, slots=True)
class Metrics:
    """One reading of everything that is counted; None where the queues did not answer."""

    at: datetime
    heartbeats: dict[str, Heartbeat]
    backlog: Backlog
    triggers: dict[str, int]
    outcomes: list[OutcomeTotals]
    finished: list[FinishedCount]
    rows_past_expiry: int
    queues: dict[str, QueueDepth] | None


async def check_health(d: ObserveDeps) -> Health:
    """Look at every component; one that does not answer is down, with the reason."""
    now = d.clock.now()
    web = Component("web", True, "answers")
    queue = await _queue(d)
    try:
        beats = await d.store.heartbeats()
        backlog = await d.store.backlog(active_from=d.retention.active_from(now), now=now)
    except TryLater as error:
        unknown = tuple(
            Component(name, False, "not known without the database")
            for name in ("scheduler", "retention", "worker")
        )
        away = Component("database", False, error.message)
        return Health((web, away, queue, *unknown), ready=False)
    return Health(
        (
            web,
            judge_database(d.refused_write() or d.shortage()),
            queue,
            judge_heartbeat("scheduler", beats.get("tick"), now=now, patience=d.tick_patience),
            judge_heartbeat(
                "retention", beats.get("retention"), now=now, patience=d.retention_patience
            ),
            judge_worker(backlog, beats.get("deliver"), now=now, patience=d.tick_patience),
        ),
        ready=True,  # without writing, too, it answers what is read
    )


async def read_metrics(d: ObserveDeps) -> Metrics:
    """Read every counter and gauge. Raises TryLater when the database is away."""
    now = d.clock.now()
    active_from, kept_from = d.retention.active_from(now), d.retention.kept_from(now)
    return Metrics(
        at=now,
        heartbeats=await d.store.heartbeats(),
        backlog=await d.store.backlog(active_from=active_from, now=now),
        triggers=await d.store.triggers_by_status(),
        outcomes=await d.store.totals(),
        finished=await d.store.finished(active_from=active_from, kept_from=kept_from),
        rows_past_expiry=await d.store.count_expired(fired_until=kept_from),
        queues=await unless_away(d.queues.read()),
    )


async def _queue(d: ObserveDeps) -> Component:
    try:
        return judge_queue(await d.queues.read())
    except TryLater as error:
        return Component("queue", False, error.message)


async def unless_away(reading: Awaitable[T]) -> T | None:
    """What a reading says, None when its source is away."""
    try:
        return await reading
    except TryLater:
        return None
