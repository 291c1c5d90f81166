"""Webhook targets by token hash: remembered, since storing an event checks that they still hold."""

from dataclasses import replace

from cachetools import LRUCache

from triggerfish.adapters.db.triggers import Triggers
from triggerfish.domain.endpoint import endpoint_key
from triggerfish.domain.payload_schema import compile_schema
from triggerfish.domain.trigger import Trigger, TriggerStatus, WebhookTarget
from triggerfish.ports import Clock

REMEMBERED = 2_000


class WebhookTargets:
    """Looks targets up and compiles their schemas once. Only active triggers are remembered."""

    def __init__(self, triggers: Triggers, clock: Clock) -> None:
        self._triggers = triggers
        self._clock = clock
        self._known: LRUCache[bytes, WebhookTarget] = LRUCache(REMEMBERED)

    async def find(self, token_hash: bytes) -> WebhookTarget | None:
        known = self._known.get(token_hash)
        return known if known is not None else await self.look_up(token_hash)

    async def look_up(self, token_hash: bytes) -> WebhookTarget | None:
        known = self._known.pop(token_hash, None)
        trigger = await self._triggers.by_token(token_hash, now=self._clock.now())
        if trigger is None:
            return None
        if known is not None and known.revision_id == trigger.revision.id:
            target = replace(known, status=trigger.status)  # compiling a schema is not cheap
        else:
            target = _target(trigger)
        if target.status is TriggerStatus.ACTIVE:
            self._known[token_hash] = target
        return target


def _target(trigger: Trigger) -> WebhookTarget:
    definition = trigger.revision.definition
    return WebhookTarget(
        trigger.id,
        trigger.revision.id,
        trigger.status,
        endpoint_key(definition.endpoint.url),
        compile_schema(definition.schema or {}),
    )
