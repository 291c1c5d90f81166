"""Webhook targets by token hash: remembered, since storing an event checks that they still hold."""

from collections.abc import Sequence
from dataclasses import replace

from cachetools import LRUCache

from triggerfish.adapters.batcher import Batcher
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
        # Concurrent look-ups share a statement: guessing tokens keeps one connection busy at most.
        self._look_up: Batcher[bytes, Trigger | None] = Batcher(self._look_up_batch, max_size=200)
        # Forgotten, but perhaps the same when looked up: compiling a schema is not cheap.
        self._doubted: LRUCache[bytes, WebhookTarget] = LRUCache(REMEMBERED)

    async def _look_up_batch(self, token_hashes: Sequence[bytes]) -> list[Trigger | None]:
        found = await self._triggers.by_tokens(token_hashes, now=self._clock.now())
        return [found.get(token_hash) for token_hash in token_hashes]

    async def find(self, token_hash: bytes) -> WebhookTarget | None:
        known = self._known.get(token_hash)
        if known is not None:
            return known
        doubted = self._doubted.pop(token_hash, None)
        trigger = await self._look_up(token_hash)
        if trigger is None:
            return None
        if doubted is not None and doubted.revision_id == trigger.revision.id:
            target = doubted
        else:
            target = _target(trigger)
        if trigger.status is not TriggerStatus.ACTIVE:
            return replace(target, status=trigger.status)
        self._known[token_hash] = target
        return target

    def forget(self, token_hash: bytes) -> None:
        known = self._known.pop(token_hash, None)
        if known is not None:
            self._doubted[token_hash] = known


def _target(trigger: Trigger) -> WebhookTarget:
    definition = trigger.revision.definition
    return WebhookTarget(
        trigger.id,
        trigger.revision.id,
        trigger.status,
        endpoint_key(definition.endpoint.url),
        compile_schema(definition.schema or {}),
        definition.verification,
    )
