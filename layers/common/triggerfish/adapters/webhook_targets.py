"""Webhook targets by token hash: remembered, since storing an event checks that they still hold."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from cachetools import LRUCache

from triggerfish.adapters.batcher import Batcher
from triggerfish.adapters.db.triggers import Triggers
from triggerfish.domain.payload_schema import compile_schema
from triggerfish.domain.trigger import FIRING, Trigger, WebhookTarget
from triggerfish.ports import Clock

REMEMBERED = 2_000


class WebhookTargets:
    """Looks targets up and compiles their schemas once. Only those that fire are remembered.

    Calls that come while one is looked up wait for that look: a burst on a cold URL costs one.
    """

    def __init__(self, triggers: Triggers, clock: Clock) -> None:
        self._triggers = triggers
        self._clock = clock
        self._known: LRUCache[bytes, WebhookTarget] = LRUCache(REMEMBERED)
        # Forgotten, but perhaps the same when looked up: compiling a schema is not cheap.
        self._doubted: LRUCache[bytes, WebhookTarget] = LRUCache(REMEMBERED)
        self._looks: dict[bytes, asyncio.Task[WebhookTarget | None]] = {}
        # Looks at several tokens share a statement: guessing keeps one connection busy at most.
        self._trigger: Batcher[bytes, Trigger | None] = Batcher(self._read, max_size=200)

    async def find(self, token_hash: bytes) -> WebhookTarget | None:
        known = self._known.get(token_hash)
        if known is not None:
            return known
        look = self._looks.get(token_hash)
        if look is None:
            look = self._looks[token_hash] = asyncio.create_task(self._look_up(token_hash))
            look.add_done_callback(lambda ended: self._end(token_hash, ended))
        return await asyncio.shield(look)  # the others wait on when one caller goes away

    def forget(self, token_hash: bytes) -> None:
        self._looks.pop(token_hash, None)  # it may have read already what is doubted now
        known = self._known.pop(token_hash, None)
        if known is not None:
            self._doubted[token_hash] = known

    def _end(self, token_hash: bytes, look: "asyncio.Task[WebhookTarget | None]") -> None:
        if self._looks.get(token_hash) is look:
            del self._looks[token_hash]

    async def _look_up(self, token_hash: bytes) -> WebhookTarget | None:
        doubted = self._doubted.pop(token_hash, None)
        trigger = await self._trigger(token_hash)
        if trigger is None:
            return None
        if doubted is not None and doubted.revision_id == trigger.revision.id:
            target = doubted
        else:
            target = _target(trigger)
        if trigger.status not in FIRING:
            return replace(target, status=trigger.status)
        self._known[token_hash] = target
        return target

    async def _read(self, token_hashes: Sequence[bytes]) -> list[Trigger | None]:
        found = await self._triggers.by_tokens(token_hashes, now=self._clock.now())
        return [found.get(token_hash) for token_hash in token_hashes]


def _target(trigger: Trigger) -> WebhookTarget:
    definition = trigger.revision.definition
    return WebhookTarget(
        trigger.project_id,
        trigger.id,
        trigger.revision.id,
        trigger.status,
        definition.endpoint.key,
        compile_schema(definition.schema or {}),
        definition.verification,
    )
