"""Read event logs, exact to the instant whatever retention has done so far."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from triggerfish.domain.access import Principal
from triggerfish.domain.errors import NotFound
from triggerfish.domain.event_log import EventLog, EventLogFilter, SeenEventLog, Selection, seen
from triggerfish.domain.page import Page, cut, decode_cursor
from triggerfish.domain.retention import RetentionPolicy, View
from triggerfish.ports import Clock


class EventLogStore(Protocol):
    async def get(self, project_id: UUID, event_id: UUID, *, now: datetime) -> EventLog | None: ...

    async def page(self, project_id: UUID, wanted: Selection) -> list[EventLog]: ...


@dataclass(frozen=True, slots=True)
class QueryEventLogsDeps:
    clock: Clock
    events: EventLogStore
    retention: RetentionPolicy


@dataclass(frozen=True, slots=True)
class Window:
    """The part of time a reader asks for: a view (None: all), and inclusive bounds inside it."""

    view: View | None = View.ACTIVE
    since: datetime | None = None
    until: datetime | None = None


async def list_event_logs(
    caller: Principal,
    filter: EventLogFilter,
    window: Window,
    d: QueryEventLogsDeps,
    *,
    limit: int,
    cursor: str | None,
) -> Page[SeenEventLog]:
    """Newest first. Raises InvalidInput for a cursor that is not ours."""
    now = d.clock.now()
    wanted = selection(filter, window, d.retention, now, limit=limit, cursor=cursor)
    logs = await d.events.page(caller.project_id, wanted)
    views = [(log.fired_at, log.id, view) for log in logs if (view := seen(log, d.retention, now))]
    return cut(views, limit, size=lambda seen: len(seen.log.payload.encode()))


async def get_event_log(event_id: UUID, caller: Principal, d: QueryEventLogsDeps) -> SeenEventLog:
    """One event with its attempts. Raises NotFound if unknown, foreign, not yet due or expired."""
    now = d.clock.now()
    log = await d.events.get(caller.project_id, event_id, now=now)
    # A test run that is still to fire is seen as it will be when it does.
    view = seen(log, d.retention, max(now, log.fired_at)) if log else None
    if view is None:
        raise NotFound("There is no such event.")
    return view


def selection(
    filter: EventLogFilter,
    window: Window,
    retention: RetentionPolicy,
    now: datetime,
    *,
    limit: int,
    cursor: str | None,
) -> Selection:
    """What to read for a page of `limit` events: one more, which tells that others follow.

    Raises InvalidInput for a cursor that is not ours.
    """
    fired_after, fired_until = _bounds(window, retention, now)
    return Selection(filter, fired_after, fired_until, limit + 1, decode_cursor(cursor))


def _bounds(window: Window, retention: RetentionPolicy, now: datetime) -> tuple[datetime, datetime]:
    """The half-open interval (after, until] of `fired_at` that a window means at `now`."""
    is_active, is_archived = window.view is View.ACTIVE, window.view is View.ARCHIVED
    after = retention.active_from(now) if is_active else retention.kept_from(now)
    until = retention.active_from(now) if is_archived else now
    if window.since is not None and window.since > after:  # else it may be the year 1
        after = window.since - datetime.resolution
    return after, until if window.until is None else min(until, window.until)
