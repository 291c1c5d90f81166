"""Deliver due events: claim, post, record. The only place where an attempt happens."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from triggerfish.domain.delivery import (
    ClaimedEvent,
    DeliverySettings,
    EventRef,
    Held,
    Outcome,
    Settled,
    settle,
)
from triggerfish.domain.endpoint import sent_url
from triggerfish.domain.errors import TryLater
from triggerfish.domain.exchange import OutboundRequest
from triggerfish.domain.hops import hop_headers, refusal
from triggerfish.domain.retention import RetentionPolicy
from triggerfish.domain.signing import delivery_headers
from triggerfish.domain.slots import Slots
from triggerfish.ports import Clock, Heartbeats, Journal, Queue, Sender

# How long one invocation goes on with a busy endpoint's waiting events. With the longest endpoint
# time limit on top it stays below the function's own time limit.
DRAIN_BUDGET = timedelta(seconds=15)
# An outcome that cannot be written is kept as long as its lease surely lasts: its margin is 10 s.
SETTLE_PAUSES = tuple(timedelta(seconds=seconds) for seconds in (0.5, 1, 2, 4))
BLOCKED_PAUSES = tuple(timedelta(seconds=seconds) for seconds in (0.02, 0.05, 0.1, 0.2))
# Messages come up to a second early. One that comes earlier was due beyond the queue's longest
# delay, or the clock was set back.
LONGEST_WAIT = timedelta(seconds=5)


class Deliveries(Protocol):
    """The rows of open events; concurrent calls are answered by one statement."""

    async def claim(self, event_id: UUID) -> ClaimedEvent | None:
        """Lease an event that is due and free; None when it is gone, final, early or leased."""
        ...

    async def is_known(self, event_id: UUID) -> bool:
        """Whether the event is logged, or was withdrawn before it was due."""
        ...

    async def settle(self, outcome: Outcome | Held | None, *, pull: str | None) -> Settled:
        """Write an outcome, if given, and lease the oldest waiting event of endpoint key `pull`.

        An outcome is not written when its lease was lost meanwhile; there may be no event to pull.
        One may disable its trigger, unless that has another revision by now.
        """
        ...


@dataclass(frozen=True, slots=True)
class DeliverDeps:
    clock: Clock
    slots: Slots
    deliveries: Deliveries
    settings_of: Callable[[UUID], Awaitable[DeliverySettings]]
    current_settings: Callable[[UUID], Awaitable[DeliverySettings | None]]
    sender: Sender
    queue: Queue
    heartbeats: Heartbeats
    journal: Journal
    retention: RetentionPolicy
    lookahead: timedelta


async def deliver(refs: Sequence[EventRef], d: DeliverDeps) -> list[EventRef]:
    """Make one attempt for each referenced event when it is due.

    Events that are gone (their trigger was edited, paused or deleted before they were due, or they
    have expired), final or leased by another worker are left alone. One whose endpoint is busy
    waits in its row; the freed slot pulls it. Returns the references to events that there never
    were. Raises what hindered a single event only after all others are done.
    """
    started = d.clock.now()
    results = await asyncio.gather(
        *(_deliver_when_due(ref, d) for ref in refs), return_exceptions=True
    )
    now = d.clock.now()
    elapsed_ms = round((now - started).total_seconds() * 1000)
    await d.heartbeats.beat("deliver", now=now, duration_ms=elapsed_ms, counts={"jobs": len(refs)})
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return [ref for ref, was_known in zip(refs, results, strict=True) if not was_known]


async def _deliver_when_due(ref: EventRef, d: DeliverDeps) -> bool:
    """Whether there is such an event, or was one."""
    if ref.due_at - d.clock.now() > LONGEST_WAIT:
        is_known = await _is_known(ref, d)
        if is_known:
            await d.queue.send([ref], now=d.clock.now())  # back to where waiting is free
        return is_known
    await d.clock.sleep_until(ref.due_at)
    if not d.slots.take(ref.endpoint_key):
        return await _is_known(ref, d)
    try:
        return await _use_slot(ref, d)
    finally:
        d.slots.release(ref.endpoint_key)


async def _is_known(ref: EventRef, d: DeliverDeps) -> bool:
    """False for poison. An event is committed before its message is sent, so none is too new."""
    if d.retention.has_expired(ref.event_id, d.clock.now()):
        return True
    return await d.deliveries.is_known(ref.event_id)


async def _use_slot(ref: EventRef, d: DeliverDeps) -> bool:
    """Deliver the event, then the endpoint's waiting ones; whether the event is known."""
    give_up_at = d.clock.now() + DRAIN_BUDGET
    turn = d.slots.reserve(ref.endpoint_key, d.clock.now(), until=give_up_at)
    event = await _claim_in_turn(ref, turn, d)
    is_known = event is not None or await _is_known(ref, d)
    is_drained = await _drain(ref.endpoint_key, event, turn, give_up_at, d)
    if is_known and not is_drained:
        await _nudge(ref, d)
    return is_known


async def _drain(
    key: str,
    event: ClaimedEvent | None,
    turn: datetime | None,
    give_up_at: datetime,
    d: DeliverDeps,
) -> bool:
    """Deliver what waits for the endpoint, as long as there is any, and time.

    Begins with `event`, if it could be claimed. False when there was no time for more.
    """
    while True:
        outcome = None
        if event is not None:
            outcome, turn = await _outcome_of(event, d), None  # its turn is used up
        mark = d.slots.parked(key)
        if mark and turn is None:
            turn = d.slots.reserve(key, d.clock.now(), until=give_up_at)
        event = await _settle_in_turn(outcome, turn if mark else None, key, d)
        if event is not None:
            continue
        if turn is not None:
            d.slots.unpark(key, mark)
        if not d.slots.parked(key):
            return True
        if turn is None:
            return False
        turn = None


async def _claim_in_turn(
    ref: EventRef, turn: datetime | None, d: DeliverDeps
) -> ClaimedEvent | None:
    """The event, leased when its endpoint's rate allows; else it is parked, see `_nudge`."""
    event = None
    if turn is not None:
        await d.clock.sleep_until(turn)
        event = await d.deliveries.claim(ref.event_id)
    if event is None:
        d.slots.park(ref.endpoint_key)
    return event


async def _settle_in_turn(
    outcome: Outcome | Held | None, turn: datetime | None, key: str, d: DeliverDeps
) -> ClaimedEvent | None:
    """Write the outcome at once, and pull the endpoint's next event in its turn, if it has one."""
    if turn is not None and turn > d.clock.now():
        await _settle(outcome, d, pull=None)
        await d.clock.sleep_until(turn)
        outcome = None
    return await _settle(outcome, d, pull=None if turn is None else key)


async def _nudge(ref: EventRef, d: DeliverDeps) -> None:
    """Have another invocation go on with the endpoint's waiting events.

    A message for an event that is done, or parked, is a nudge: see `_claim_in_turn`.
    """
    now = d.clock.now()
    at = d.slots.next_turn(ref.endpoint_key, now)
    if d.slots.wake(ref.endpoint_key, now, at):
        await d.queue.send([replace(ref, due_at=at)], now=now)


async def _outcome_of(event: ClaimedEvent, d: DeliverDeps) -> Outcome | Held:
    return Held(event) if event.is_to_hold else await attempt(event, d)


async def _settle(
    outcome: Outcome | Held | None, d: DeliverDeps, *, pull: str | None
) -> ClaimedEvent | None:
    """Write the outcome and what follows from it; the endpoint's next event, if one was pulled."""
    if outcome is None and pull is None:
        return None
    recorded = False
    try:
        settled = await _insist(outcome, d, pull=pull)
        recorded = settled.recorded
    finally:  # the attempt was made, whatever became of its outcome
        if isinstance(outcome, Outcome):
            d.journal.attempted(outcome, recorded=recorded)
    if outcome is not None and recorded:
        await _follow_up(outcome, settled, d)
    if pull is not None and settled.is_blocked:
        return await _pull_again(pull, d)
    return settled.next


async def _pull_again(key: str, d: DeliverDeps) -> ClaimedEvent | None:
    """Wait for rows that others held for a moment: their messages are gone, so nobody else comes.

    Still held, they are about to be leased, or left to the sweep.
    """
    for pause in BLOCKED_PAUSES:
        await d.clock.sleep_until(d.clock.now() + pause)
        settled = await _insist(None, d, pull=key)
        if settled.next is not None or not settled.is_blocked:
            return settled.next
    return None


async def _insist(outcome: Outcome | Held | None, d: DeliverDeps, *, pull: str | None) -> Settled:
    """Settle, again if the database is away for a moment: what was posted must not be repeated."""
    for pause in SETTLE_PAUSES:
        try:
            return await d.deliveries.settle(outcome, pull=pull)
        except TryLater:
            await d.clock.sleep_until(d.clock.now() + pause)
    return await d.deliveries.settle(outcome, pull=pull)


async def _follow_up(outcome: Outcome | Held, settled: Settled, d: DeliverDeps) -> None:
    event = outcome.event
    if isinstance(outcome, Held):
        d.journal.held(event)
        return
    if settled.disabled is not None:
        d.journal.disabled(event, reason=settled.disabled)
    if outcome.retry_at is not None and outcome.retry_at <= d.clock.now() + d.lookahead:
        retry = EventRef(event.id, outcome.retry_at, event.endpoint_key, str(event.id))
        await d.queue.send([retry], now=d.clock.now())


async def attempt(event: ClaimedEvent, d: DeliverDeps) -> Outcome:
    """Post the event once and decide what the answer means; writes nothing."""
    settings = await _settings_for(event, d)
    started = d.clock.now()
    request = request_for(event, settings, at=started)
    reply = refusal(event.hops) or await d.sender.post(request)
    return settle(
        event,
        settings.retry,
        reply,
        url=sent_url(request.url),
        started=started,
        ended=d.clock.now(),
    )


async def _settings_for(event: ClaimedEvent, d: DeliverDeps) -> DeliverySettings:
    """Those of the revision it fired with; for a retry, the present ones if the trigger says so."""
    settings = await d.settings_of(event.revision_id)
    if event.attempt == 1 or event.trigger_id is None:
        return settings
    current = await d.current_settings(event.trigger_id)
    if current is None:
        return settings
    lease_allows = settings.endpoint.timeout_seconds  # it was taken before anybody looked
    timeout = min(current.endpoint.timeout_seconds, lease_allows)
    return replace(current, endpoint=replace(current.endpoint, timeout_seconds=timeout))


def request_for(
    event: ClaimedEvent, settings: DeliverySettings, *, at: datetime
) -> OutboundRequest:
    """The POST of one attempt: the exact payload, signed, its id the same in every retry."""
    body = event.payload.encode()
    secrets = settings.secrets.at(at)
    signed = delivery_headers(str(event.id), int(at.timestamp()), body, *secrets)
    return OutboundRequest(
        settings.endpoint.url,
        {**dict(settings.endpoint.headers), **signed, **hop_headers(event.hops)},
        body,
        settings.endpoint.timeout_seconds,
        event.project_id,
    )
