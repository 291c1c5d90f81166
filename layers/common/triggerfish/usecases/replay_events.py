"""Replay events: send again what is over, with the same bytes, as then or to where it goes now."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from triggerfish.domain.access import Principal
from triggerfish.domain.errors import Conflict, NotFound
from triggerfish.domain.event_log import EventLogFilter, Selection
from triggerfish.domain.page import cut
from triggerfish.domain.replay import Original, Replay
from triggerfish.domain.retry import WhichEndpoint
from triggerfish.ports import Ids, Journal, Queue, Room
from triggerfish.usecases.enqueue import Unsent, enqueue
from triggerfish.usecases.query_event_logs import (
    QueryEventLogsDeps,
    Window,
    get_event_log,
    selection,
)

NO_TRIGGER = (
    "The event has no trigger any more, and so no current endpoint."
    ' Replay it to the "original" one.'
)


class ReplayStore(Protocol):
    async def find(
        self, project_id: UUID, wanted: Selection, *, endpoint: WhichEndpoint
    ) -> list[Original]:
        """Those of the wanted events that are final and have such an endpoint."""
        ...

    async def insert(
        self,
        project_id: UUID,
        originals: Sequence[Original],
        *,
        endpoint: WhichEndpoint,
        new_id: Callable[[datetime], UUID],
        now: datetime,
    ) -> list[Replay]:
        """Write a new event for each original that still exists, and has such an endpoint.

        All or nothing, in no order.
        """
        ...


@dataclass(frozen=True, slots=True)
class ReplayEventsDeps:
    ids: Ids
    logs: QueryEventLogsDeps
    replays: ReplayStore
    events: Unsent
    queue: Queue
    journal: Journal
    room: Room


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a filter led to: new events, or in a dry run the number there would be."""

    count: int
    replays: list[Replay]
    next_cursor: str | None


async def replay_event(
    event_id: UUID,
    caller: Principal,
    d: ReplayEventsDeps,
    *,
    endpoint: WhichEndpoint = WhichEndpoint.ORIGINAL,
) -> Replay:
    """Send one event again.

    Raises NotFound, or Conflict for a test that is still to fire and where no endpoint is current.
    """
    log = (await get_event_log(event_id, caller, d.logs)).log
    if log.fired_at > d.logs.clock.now():
        raise Conflict("The event has not fired yet.")
    original = Original(log.id, log.fired_at, len(log.payload.encode()))
    replays = await _replay([original], caller, endpoint, d)
    if not replays and endpoint is WhichEndpoint.CURRENT:
        raise Conflict(NO_TRIGGER)
    if not replays:
        raise NotFound("There is no such event.")
    return replays[0]


async def replay_events(
    caller: Principal,
    filter: EventLogFilter,
    window: Window,
    d: ReplayEventsDeps,
    *,
    limit: int,
    cursor: str | None,
    dry_run: bool,
    endpoint: WhichEndpoint = WhichEndpoint.ORIGINAL,
) -> Replayed:
    """Send the newest `limit` matching events again that are over; those still open are left.

    Raises InvalidInput for a cursor that is not ours.
    """
    now = d.logs.clock.now()
    wanted = selection(filter, window, d.logs.retention, now, limit=limit, cursor=cursor)
    found = await d.replays.find(caller.project_id, wanted, endpoint=endpoint)
    page = cut([(one.fired_at, one.id, one) for one in found], limit)
    if dry_run:
        return Replayed(len(page.items), [], page.next_cursor)
    replays = await _replay(page.items, caller, endpoint, d)
    return Replayed(len(replays), replays, page.next_cursor)


async def _replay(
    originals: Sequence[Original], caller: Principal, endpoint: WhichEndpoint, d: ReplayEventsDeps
) -> list[Replay]:
    if not originals:
        return []
    size = sum(one.size for one in originals)
    d.room.take(caller.project_id, events=len(originals), size=size)
    replays = await d.replays.insert(
        caller.project_id,
        originals,
        endpoint=endpoint,
        new_id=d.ids.uuid7,
        now=d.logs.clock.now(),
    )
    d.journal.replayed(replays)
    refs = [replay.ref for replay in replays]
    await enqueue(refs, queue=d.queue, events=d.events, clock=d.logs.clock)
    return replays
