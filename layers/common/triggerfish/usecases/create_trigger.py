"""Create a trigger from a customer's definition."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from triggerfish.domain.access import Principal, hash_secret
from triggerfish.domain.egress import EgressPolicy, refuse_unreachable
from triggerfish.domain.firing import Cursor, first_cursor
from triggerfish.domain.signing import SigningSecrets
from triggerfish.domain.trigger import (
    Definition,
    Revision,
    Trigger,
    TriggerStatus,
    TriggerType,
    parse_definition,
)
from triggerfish.ports import Ids
from triggerfish.usecases.tick import TickDeps, fire_due


class TriggerStore(Protocol):
    async def insert(
        self, trigger: Trigger, *, cursor: Cursor, webhook_token_hash: bytes | None
    ) -> None:
        """Store a trigger and its first revision, both or neither."""
        ...


class TriggerQuota(Protocol):
    async def take(self, project_id: UUID) -> None:
        """Make room for one trigger of the project. Raises Conflict."""
        ...


@dataclass(frozen=True, slots=True)
class CreateTriggerDeps:
    ids: Ids
    triggers: TriggerStore
    quota: TriggerQuota
    tick: TickDeps
    lookahead: timedelta
    egress: EgressPolicy


async def create_trigger(raw: object, caller: Principal, d: CreateTriggerDeps) -> Trigger:
    """Check and store a definition. Raises InvalidInput naming every wrong field, and Conflict.

    A trigger that fires within the look-ahead is fired here, since the next tick may be too late.
    """
    now = d.tick.clock.now()
    definition = parse_definition(raw, now=now)
    refuse_unreachable(definition.endpoint.url, d.egress)
    await d.quota.take(caller.project_id)
    trigger, cursor = _new_trigger(definition, caller, now, d.ids)
    token_hash = hash_secret(trigger.webhook_token) if trigger.webhook_token else None
    await d.triggers.insert(trigger, cursor=cursor, webhook_token_hash=token_hash)
    if cursor.fire_at is not None and cursor.fire_at <= now + d.lookahead:
        await fire_due(d.lookahead, d.tick, only=trigger.id)
    return trigger


def _new_trigger(
    definition: Definition, caller: Principal, now: datetime, ids: Ids
) -> tuple[Trigger, Cursor]:
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
    return trigger, cursor
