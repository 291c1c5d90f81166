"""Deliver what some messages are about: when it is due, by the couriers of its endpoints."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from triggerfish.domain.delivery import EventRef, Logged
from triggerfish.domain.retention import RetentionPolicy
from triggerfish.ports import Clock, Heartbeats, Queue
from triggerfish.usecases.courier import Couriers

# How long one invocation goes on with a busy endpoint's events. With the longest endpoint time
# limit on top it stays below the function's own time limit.
BUDGET = timedelta(seconds=15)
# Messages come up to a second early. One that comes earlier was due beyond the queue's longest
# delay, or the clock was set back.
LONGEST_WAIT = timedelta(seconds=5)

Message = tuple[EventRef, ...]


class EventPlaces(Protocol):
    async def logged(self, event_id: UUID) -> Logged:
        """Where an event is that a message names; concurrent calls share a statement."""
        ...


@dataclass(frozen=True, slots=True)
class DeliverDeps:
    clock: Clock
    couriers: Couriers
    places: EventPlaces
    queue: Queue
    heartbeats: Heartbeats
    retention: RetentionPolicy


async def deliver(messages: Sequence[Message], d: DeliverDeps) -> list[Message]:
    """Have what is due at the endpoints of these events delivered, each when it is due.

    A message is a hint. Its events may have been delivered already, or withdrawn, or wait for a
    slot of their endpoint, which claims them later. Returns the messages about events that there
    never were. Raises what hindered a single event only after all others are done.
    """
    started = d.clock.now()
    refs = {ref.event_id: ref for message in messages for ref in message}
    early = [ref for ref in refs.values() if ref.due_at - started > LONGEST_WAIT]
    visits = {
        (ref.endpoint_key, ref.due_at): ref
        for ref in refs.values()
        if ref.due_at - started <= LONGEST_WAIT
    }
    results = await asyncio.gather(
        *(_visit(ref, d) for ref in visits.values()), return_exceptions=True
    )
    unknown = await _deliver_the_rest(list(refs.values()), d)
    await _send_back([ref for ref in early if ref.event_id not in unknown], d)
    await _beat(started, len(refs), d)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return await _about_nothing(messages, unknown, d)


async def _visit(ref: EventRef, d: DeliverDeps) -> None:
    await d.clock.sleep_until(ref.due_at)
    await d.couriers.deliver(ref.endpoint_key, d.clock.now() + BUDGET)


async def _deliver_the_rest(refs: Sequence[EventRef], d: DeliverDeps) -> set[UUID]:
    """Find events that no courier of ours has claimed, and have the archived ones delivered.

    The ids of those that there never were. An event is committed before its message is sent, so
    none is too new to be found.
    """
    now = d.clock.now()
    rest = [
        ref
        for ref in refs
        if ref not in d.couriers.claimed and not d.retention.has_expired(ref.event_id, now)
    ]
    if not rest:
        return set()
    places = await asyncio.gather(*(d.places.logged(ref.event_id) for ref in rest))
    archived: dict[str, list[UUID]] = {}
    for ref, place in zip(rest, places, strict=True):
        if place is Logged.ARCHIVE and ref.due_at <= now:
            archived.setdefault(ref.endpoint_key, []).append(ref.event_id)
    await asyncio.gather(
        *(d.couriers.deliver(key, now + BUDGET, ids) for key, ids in archived.items())
    )
    return {
        ref.event_id for ref, place in zip(rest, places, strict=True) if place is Logged.NOWHERE
    }


async def _send_back(early: Sequence[EventRef], d: DeliverDeps) -> None:
    """Back to the queue, where waiting is free."""
    if early:
        await d.queue.send(early, now=d.clock.now())


async def _about_nothing(
    messages: Sequence[Message], unknown: set[UUID], d: DeliverDeps
) -> list[Message]:
    """Messages all of whose events are unknown. From others the unknown events are split off, into
    a message of their own, so that a dead letter names nothing else.
    """
    found = []
    for message in messages:
        bad = [ref for ref in message if ref.event_id in unknown]
        if not bad:
            continue
        is_split = len(bad) < len(message) and len(
            await d.queue.send(bad, now=d.clock.now())
        ) == len(bad)
        if not is_split:
            found.append(message)
    return found


async def _beat(started: datetime, events: int, d: DeliverDeps) -> None:
    now = d.clock.now()
    elapsed_ms = round((now - started).total_seconds() * 1000)
    await d.heartbeats.beat("deliver", now=now, duration_ms=elapsed_ms, counts={"jobs": events})
