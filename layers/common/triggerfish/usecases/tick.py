"""Fire what becomes due: write the events of due occurrences, then take up what was forgotten."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from triggerfish.domain.catch_up import Waiting
from triggerfish.domain.delivery import EventRef
from triggerfish.domain.firing import Batch, DueTrigger, Fired, plan_batch
from triggerfish.ports import Clock, Heartbeats, Ids, Journal, Queue
from triggerfish.usecases.enqueue import Unsent, enqueue

CLAIM_LIMIT = 500
SWEEP_LIMIT = 1000
# A due event that nobody has claimed for so long has lost its message, or its endpoint is busy.
WAITING_GRACE = timedelta(milliseconds=500)
ENOUGH_MESSAGES = 1000


class DueTriggers(Protocol):
    """Claims due triggers, writes what `decide` makes of them, advances them; all or nothing."""

    async def fire(
        self,
        decide: Callable[[Sequence[DueTrigger], Sequence[Waiting]], Batch],
        *,
        new_id: Callable[[datetime], UUID],
        now: datetime,
        until: datetime,
        limit: int,
        only: Sequence[UUID] | None,
    ) -> Fired: ...


class Overdue(Protocol):
    """Open events that no message is about."""

    async def unsent(self, *, until: datetime, limit: int) -> list[EventRef]:
        """Events due by `until` that were never enqueued."""
        ...

    async def mark_sent(
        self, event_ids: Sequence[UUID], *, now: datetime, until: datetime
    ) -> None: ...

    async def waiting(self, *, due_by: datetime, limit: int) -> list[EventRef]:
        """Events that have been due since `due_by`: of each endpoint at least one."""
        ...


class Leases(Protocol):
    async def give_back_lapsed(self, *, now: datetime) -> int:
        """Free the events of workers that have died; how many there were."""
        ...


@dataclass(frozen=True, slots=True)
class TickDeps:
    clock: Clock
    ids: Ids
    due: DueTriggers
    events: Unsent
    overdue: Overdue
    leases: Leases
    queue: Queue
    heartbeats: Heartbeats
    journal: Journal
    shortage: Callable[[], str | None]  # of space on the database's disk


@dataclass(frozen=True, slots=True)
class TickReport:
    """What a tick did, as its log line and heartbeat say it."""

    fired: int
    skipped: int
    swept: int

    def counts(self) -> dict[str, int]:
        return {"fired": self.fired, "skipped": self.skipped, "swept": self.swept}


async def tick(horizon: timedelta, d: TickDeps) -> TickReport:
    """Fire every occurrence due within `horizon` and re-send what is overdue without a message.

    Safe to run twice at once: ticks skip each other's triggers and rows.
    """
    started = d.clock.now()
    fired, skipped = await _fire_if_there_is_room(horizon, d)
    swept = await sweep(horizon, d)
    report = TickReport(fired, skipped, swept)
    now = d.clock.now()
    elapsed_ms = round((now - started).total_seconds() * 1000)
    await d.heartbeats.beat("tick", now=now, duration_ms=elapsed_ms, counts=report.counts())
    return report


async def _fire_if_there_is_room(horizon: timedelta, d: TickDeps) -> tuple[int, int]:
    """While the disk is nearly full, what is due waits: it is late then, not lost."""
    return (0, 0) if d.shortage() else await fire_due(horizon, d)


async def fire_due(
    horizon: timedelta, d: TickDeps, *, only: Sequence[UUID] | None = None
) -> tuple[int, int]:
    """Write and enqueue the events due within `horizon` (of some triggers, if given).

    Messages of one batch are sent while the next is claimed; for what has its turn later, the
    sweep sends them in time. Returns events fired and skipped.
    Raises TryLater when the database is away.
    """
    try:
        async with asyncio.TaskGroup() as sending:
            return await _fire_batches(horizon, d, only, sending)
    except ExceptionGroup as group:  # the first failure ended the rest: its callers know its type
        raise group.exceptions[0] from None


async def _fire_batches(
    horizon: timedelta, d: TickDeps, only: Sequence[UUID] | None, sending: asyncio.TaskGroup
) -> tuple[int, int]:
    fired = skipped = 0
    while True:
        now = d.clock.now()
        batch = await _fire_batch(d, now, horizon, only)
        fired += len(batch.refs)
        skipped += batch.skipped
        if batch.refs or batch.skipped:
            d.journal.fired(batch.refs, skipped=batch.skipped)
        if near := [ref for ref in batch.refs if ref.due_at <= now + horizon]:
            sending.create_task(enqueue(near, queue=d.queue, events=d.events, clock=d.clock))
        if batch.claimed < CLAIM_LIMIT:
            return fired, skipped


async def _fire_batch(
    d: TickDeps, now: datetime, horizon: timedelta, only: Sequence[UUID] | None
) -> Fired:
    until = now + horizon
    return await d.due.fire(
        lambda due, waiting: plan_batch(due, now=now, until=until, waiting=waiting),
        new_id=d.ids.uuid7,
        now=now,
        until=until,
        limit=CLAIM_LIMIT,
        only=only,
    )


async def sweep(horizon: timedelta, d: TickDeps) -> int:
    """Free the events of dead workers, and send messages about open events that none is about.

    Bounded; the next tick goes on. While the queue is away, every tick tries again.
    """
    await d.leases.give_back_lapsed(now=d.clock.now())
    return await _send_unsent(horizon, d) + await _remind(d)


async def _send_unsent(horizon: timedelta, d: TickDeps) -> int:
    until = d.clock.now() + horizon
    refs = await d.overdue.unsent(until=until, limit=SWEEP_LIMIT)
    sent = await d.queue.send(refs, now=d.clock.now())
    if sent:
        ids = [ref.event_id for ref in sent]
        await d.overdue.mark_sent(ids, now=d.clock.now(), until=until)
    return len(sent)


async def _remind(d: TickDeps) -> int:
    """Send a message for each endpoint where an event has waited for a moment.

    Perhaps its message was lost, or nobody works there since a worker met a lock. If a worker does,
    the message costs it next to nothing, so nobody has to know. While many messages wait to be
    received, workers have enough to do, or there are none.
    """
    due_by = d.clock.now() - WAITING_GRACE
    refs = await d.overdue.waiting(due_by=due_by, limit=SWEEP_LIMIT)
    if not refs or await d.queue.waiting() >= ENOUGH_MESSAGES:
        return 0
    return len(await d.queue.send(refs, now=d.clock.now()))
