"""Change a trigger: edit, pause and resume it. What fires from then on follows the change."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from triggerfish.domain.access import Principal
from triggerfish.domain.egress import EgressPolicy, refuse_unreachable
from triggerfish.domain.errors import NotFound, TryLater
from triggerfish.domain.trigger import Trigger
from triggerfish.domain.trigger_change import Standing, paused, resumed, revised
from triggerfish.domain.trigger_patch import patch_definition
from triggerfish.usecases.tick import TickDeps, fire_due

# Each fires 100 occurrences at most; who is further behind than that waits for the tick.
CATCH_UP_LOOKS = 20


class TriggerChanges(Protocol):
    """Changes triggers under their lock; events that are not due yet are taken back."""

    async def change(
        self,
        project_id: UUID,
        trigger_id: UUID,
        decide: Callable[[Standing, datetime], Standing],
    ) -> Standing | None: ...


@dataclass(frozen=True, slots=True)
class ChangeTriggerDeps:
    changes: TriggerChanges
    tick: TickDeps
    lookahead: timedelta
    egress: EgressPolicy


async def update_trigger(
    trigger_id: UUID,
    raw: object,
    caller: Principal,
    d: ChangeTriggerDeps,
    *,
    check: Callable[[Trigger], None] = lambda trigger: None,
) -> Trigger:
    """Give the trigger a new revision with the fields of `raw` replaced.

    `check` sees the trigger under its lock. Raises what it raises, InvalidInput naming every wrong
    field, and NotFound.
    """

    def decide(standing: Standing, now: datetime) -> Standing:
        check(standing.trigger)
        present = standing.trigger.revision.definition
        definition = patch_definition(present, raw, now=now)
        if definition.endpoint.url != present.endpoint.url:
            refuse_unreachable(definition.endpoint.url, d.egress)
        revision_id = d.tick.ids.uuid7(now)
        author = str(caller.key_id)
        return revised(standing, definition, now=now, revision_id=revision_id, author=author)

    return await _change(trigger_id, caller, decide, d)


async def pause_trigger(trigger_id: UUID, caller: Principal, d: ChangeTriggerDeps) -> Trigger:
    """Stop future firings until it is resumed. Raises NotFound and Conflict."""
    return await _change(trigger_id, caller, paused, d)


async def resume_trigger(trigger_id: UUID, caller: Principal, d: ChangeTriggerDeps) -> Trigger:
    """Fire again, from now on. Raises NotFound and Conflict."""
    return await _change(trigger_id, caller, resumed, d)


async def _change(
    trigger_id: UUID,
    caller: Principal,
    decide: Callable[[Standing, datetime], Standing],
    d: ChangeTriggerDeps,
) -> Trigger:
    """Change it between what is due before and what is due after, however late the tick is.

    What is due by now fires as the trigger was; what is due within the look-ahead, as it is then.
    Raises TryLater for a trigger that is far behind, since it would lose what it has not fired.
    """
    changed = await _catch_up_and_change(trigger_id, caller, decide, d)
    fire_at = changed.trigger.next_fire_at
    if fire_at is not None and fire_at <= d.tick.clock.now() + d.lookahead:
        await fire_due(d.lookahead, d.tick, only=[trigger_id])
    return changed.trigger


async def _catch_up_and_change(
    trigger_id: UUID,
    caller: Principal,
    decide: Callable[[Standing, datetime], Standing],
    d: ChangeTriggerDeps,
) -> Standing:
    for _ in range(CATCH_UP_LOOKS):
        await fire_due(timedelta(0), d.tick, only=[trigger_id])
        changed = await _change_unless_behind(trigger_id, caller, decide, d)
        if changed is not None:
            return changed
    raise TryLater("The trigger is catching up with what was due; try again shortly.")


async def _change_unless_behind(
    trigger_id: UUID,
    caller: Principal,
    decide: Callable[[Standing, datetime], Standing],
    d: ChangeTriggerDeps,
) -> Standing | None:
    """None, and nothing changed, for a trigger with more that is due than one look fires.

    Also for one that became due since that look. Raises NotFound.
    """
    behind = False

    def decide_unless_behind(standing: Standing, now: datetime) -> Standing:
        nonlocal behind
        fire_at = standing.trigger.next_fire_at
        behind = fire_at is not None and fire_at <= now
        return standing if behind else decide(standing, now)

    changed = await d.changes.change(caller.project_id, trigger_id, decide_unless_behind)
    if changed is None:
        raise NotFound("There is no such trigger.")
    return None if behind else changed
