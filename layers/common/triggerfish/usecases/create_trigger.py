"""Create triggers from a customer's definitions."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from triggerfish.domain.access import Principal
from triggerfish.domain.egress import EgressPolicy, refuse_unreachable
from triggerfish.domain.errors import Conflict, InvalidInput, TriggerfishError
from triggerfish.domain.firing import Cursor, first_cursor
from triggerfish.domain.json_payload import MAX_DEPTH, MAX_NODES, check_shape
from triggerfish.domain.signing import SigningSecrets
from triggerfish.domain.trigger import (
    Definition,
    Revision,
    Trigger,
    TriggerStatus,
    TriggerType,
    parse_definition,
)
from triggerfish.domain.trigger_change import Standing
from triggerfish.ports import Ids, Room
from triggerfish.usecases.tick import TickDeps, fire_due

PARSED_AT_A_TIME = 20


class TriggerStore(Protocol):
    async def add(self, new: Standing, /) -> bool:
        """Store a trigger and its first revision; False when its project has no room for it."""
        ...

    async def add_all(self, new: Sequence[Standing], /) -> Sequence[bool]:
        """The same of many, in one transaction."""
        ...


@dataclass(frozen=True, slots=True)
class CreateTriggerDeps:
    ids: Ids
    triggers: TriggerStore
    triggers_per_project: int
    tick: TickDeps
    lookahead: timedelta
    egress: EgressPolicy
    room: Room


async def create_trigger(raw: object, caller: Principal, d: CreateTriggerDeps) -> Trigger:
    """Check and store a definition. Raises InvalidInput naming every wrong field, and Conflict.

    A trigger that fires within the look-ahead is fired here, since the next tick may be too late.
    """
    now = d.tick.clock.now()
    d.room.take(caller.project_id)
    new = _new_trigger(_definition(raw, now, d), caller, now, d.ids)
    if not await d.triggers.add(new):
        raise _no_room(d)
    await _fire_near([new.trigger], now, d)
    return new.trigger


async def create_triggers(
    raws: Sequence[object], caller: Principal, d: CreateTriggerDeps
) -> list[Trigger | TriggerfishError]:
    """Check and store definitions in one transaction; for each its trigger, or why it is none."""
    now = d.tick.clock.now()
    d.room.take(caller.project_id)
    checked: list[Standing | InvalidInput] = []
    for place, raw in enumerate(raws):
        if place % PARSED_AT_A_TIME == 0:
            await asyncio.sleep(0)  # other requests get a turn
        checked.append(_check(raw, caller, now, d))
    good = [one for one in checked if isinstance(one, Standing)]
    stored = await d.triggers.add_all(good)
    await _fire_near(
        [one.trigger for one, is_in in zip(good, stored, strict=True) if is_in], now, d
    )
    has_room = iter(stored)
    return [
        one if isinstance(one, InvalidInput) else one.trigger if next(has_room) else _no_room(d)
        for one in checked
    ]


def _definition(raw: object, now: datetime, d: CreateTriggerDeps) -> Definition:
    definition = parse_definition(raw, now=now)
    refuse_unreachable(definition.endpoint.url, d.egress)
    return definition


def _check(
    raw: object, caller: Principal, now: datetime, d: CreateTriggerDeps
) -> Standing | InvalidInput:
    """A definition as if it had come alone."""
    try:
        check_shape(raw, MAX_DEPTH, MAX_NODES, "payload")
        return _new_trigger(_definition(raw, now, d), caller, now, d.ids)
    except InvalidInput as invalid:
        return invalid


def _no_room(d: CreateTriggerDeps) -> Conflict:
    return Conflict(f"The project has {d.triggers_per_project} triggers, as many as it may have.")


async def _fire_near(new: Sequence[Trigger], now: datetime, d: CreateTriggerDeps) -> None:
    until = now + d.lookahead
    near = [one.id for one in new if one.next_fire_at is not None and one.next_fire_at <= until]
    if near:
        await fire_due(d.lookahead, d.tick, only=near)


def _new_trigger(definition: Definition, caller: Principal, now: datetime, ids: Ids) -> Standing:
    trigger_id = ids.uuid7(now)
    revision = Revision(
        id=ids.uuid7(now),
        number=1,
        definition=definition,
        secrets=SigningSecrets(ids.signing_secret()),
        created_at=now,
        created_by=str(caller.key_id),
    )
    cursor = Cursor(None, None)
    if definition.schedule is not None:
        cursor = first_cursor(definition.schedule, now=now, seed=str(trigger_id))
    trigger = Trigger(
        id=trigger_id,
        project_id=caller.project_id,
        status=TriggerStatus.ACTIVE,
        revision=revision,
        next_fire_at=cursor.fire_at,
        fired_count=0,
        skipped_count=0,
        webhook_token=ids.token() if definition.type is TriggerType.API else None,
        created_at=now,
        updated_at=now,
    )
    return Standing(trigger, cursor.occurrence_at)
