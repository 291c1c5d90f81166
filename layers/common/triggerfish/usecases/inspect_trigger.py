"""Look into a trigger: its revisions, its next fires, and why it fired or did not."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from triggerfish.domain.access import Principal
from triggerfish.domain.errors import NotFound
from triggerfish.domain.event_log import EventLog, EventLogFilter, Selection
from triggerfish.domain.explanation import Evidence
from triggerfish.domain.observation import Heartbeat
from triggerfish.domain.page import Page, Place, cut, decode_cursor
from triggerfish.domain.retention import RetentionPolicy
from triggerfish.domain.trigger import Revision
from triggerfish.domain.trigger_change import Standing
from triggerfish.domain.upcoming import Upcoming, next_fires, parse_preview, preview, upcoming
from triggerfish.ports import Clock

FAILURES_SHOWN = 5


class Standings(Protocol):
    async def look(self, project_id: UUID, trigger_id: UUID) -> Standing | None: ...


class Revisions(Protocol):
    async def page(
        self, project_id: UUID, trigger_id: UUID, *, before: Place | None, limit: int
    ) -> list[Revision]: ...


class Events(Protocol):
    async def page(self, project_id: UUID, wanted: Selection) -> list[EventLog]: ...


class Observations(Protocol):
    async def heartbeats(self) -> dict[str, Heartbeat]: ...


@dataclass(frozen=True, slots=True)
class InspectTriggerDeps:
    clock: Clock
    standings: Standings
    revisions: Revisions
    events: Events
    observations: Observations
    retention: RetentionPolicy
    tick_patience: timedelta


async def list_revisions(
    trigger_id: UUID, caller: Principal, d: InspectTriggerDeps, *, limit: int, cursor: str | None
) -> Page[Revision]:
    """Newest first. Raises NotFound, and InvalidInput for a cursor that is not ours."""
    before = decode_cursor(cursor)
    await _standing(trigger_id, caller, d)
    found = await d.revisions.page(caller.project_id, trigger_id, before=before, limit=limit + 1)
    return cut(
        [(revision.created_at, revision.id, revision) for revision in found],
        limit,
        size=lambda revision: len((revision.definition.payload or "").encode()),
    )


async def list_next_fires(
    trigger_id: UUID, caller: Principal, d: InspectTriggerDeps, *, count: int
) -> Upcoming:
    """Soonest first; none for a trigger that is not active. Raises NotFound."""
    standing = await _standing(trigger_id, caller, d)
    fires = next_fires(standing, now=d.clock.now(), count=count)
    return upcoming(standing.trigger.revision.definition.schedule, fires)


def preview_schedule(raw: object, d: InspectTriggerDeps) -> Upcoming:
    """What a schedule would fire if it were saved now. Raises InvalidInput."""
    now = d.clock.now()
    schedule, count = parse_preview(raw, now=now)
    return upcoming(schedule, preview(schedule, now=now, count=count))


async def gather_evidence(trigger_id: UUID, caller: Principal, d: InspectTriggerDeps) -> Evidence:
    """What there is to say why a trigger fired or did not. Raises NotFound."""
    standing = await _standing(trigger_id, caller, d)
    now = d.clock.now()
    heartbeats = await d.observations.heartbeats()
    last = await _events(trigger_id, caller, d, now, status=None, limit=1)
    failures = await _events(trigger_id, caller, d, now, status="failure", limit=FAILURES_SHOWN)
    return Evidence(
        standing.trigger,
        now,
        heartbeats.get("tick"),
        d.tick_patience,
        last[0] if last else None,
        failures,
    )


async def _events(
    trigger_id: UUID,
    caller: Principal,
    d: InspectTriggerDeps,
    now: datetime,
    *,
    status: str | None,
    limit: int,
) -> list[EventLog]:
    """The trigger's newest events within their retention; test runs do not count."""
    filter = EventLogFilter(trigger_id=trigger_id, status=status, is_test=False)
    wanted = Selection(filter, d.retention.kept_from(now), now, limit)
    return await d.events.page(caller.project_id, wanted)


async def _standing(trigger_id: UUID, caller: Principal, d: InspectTriggerDeps) -> Standing:
    standing = await d.standings.look(caller.project_id, trigger_id)
    if standing is None:
        raise NotFound("There is no such trigger.")
    return standing
