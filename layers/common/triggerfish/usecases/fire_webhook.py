"""Fire an API trigger: check the payload, store the event, and only then say yes."""

from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from triggerfish.domain.access import hash_secret
from triggerfish.domain.delivery import EventRef
from triggerfish.domain.errors import Conflict, InvalidInput, NotFound
from triggerfish.domain.event_log import AcceptedEvent
from triggerfish.domain.json_payload import parse_payload
from triggerfish.domain.payload_schema import violations
from triggerfish.domain.trigger import MAX_PAYLOAD_BYTES, TriggerStatus, WebhookTarget
from triggerfish.ports import Clock, Ids, Journal, Queue
from triggerfish.usecases.enqueue import Enqueued, enqueue


class WebhookTargets(Protocol):
    """Targets by token hash, remembered for speed; storing an event checks that one still holds."""

    async def find(self, token_hash: bytes) -> WebhookTarget | None: ...

    def forget(self, token_hash: bytes) -> None: ...


class AcceptedEvents(Enqueued, Protocol):
    """Stores accepted events; concurrent calls share one commit."""

    async def insert(self, event: AcceptedEvent) -> bool:
        """Commit an event; False when its trigger is gone, paused or has another revision."""
        ...


@dataclass(frozen=True, slots=True)
class FireWebhookDeps:
    clock: Clock
    ids: Ids
    targets: WebhookTargets
    events: AcceptedEvents
    queue: Queue
    journal: Journal


async def fire_webhook(token: str, body: bytes, d: FireWebhookDeps) -> UUID:
    """Accept one call and return its event's id, once the event is committed.

    Raises NotFound for an unknown token, Conflict for a trigger that is not active, and
    InvalidInput or TooLarge for a body that is not storable JSON or does not fit the schema;
    then nothing is stored.
    """
    payload = parse_payload(body, max_bytes=MAX_PAYLOAD_BYTES)
    token_hash = hash_secret(token)
    # A remembered target may be out of date; then the insert refuses it and we look again.
    for _ in range(2):
        target = await _find(token_hash, d)
        _check(target, payload)
        event = _event(target, body, d)
        if await d.events.insert(event):
            d.journal.accepted(event)
            ref = EventRef(event.id, event.fired_at, target.endpoint_key, str(event.id))
            await enqueue([ref], queue=d.queue, events=d.events, clock=d.clock)
            return event.id
        d.targets.forget(token_hash)
    raise Conflict("The trigger is being changed; send the request again.")


async def _find(token_hash: bytes, d: FireWebhookDeps) -> WebhookTarget:
    target = await d.targets.find(token_hash)
    if target is None:
        raise NotFound("There is no such webhook.")
    return target


def _check(target: WebhookTarget, payload: Any) -> None:
    if target.status is not TriggerStatus.ACTIVE:
        raise Conflict(f"The trigger is {target.status.value}; it accepts no events.")
    if problems := violations(target.validator, payload):
        raise InvalidInput("The payload does not match the trigger's schema.", problems)


def _event(target: WebhookTarget, body: bytes, d: FireWebhookDeps) -> AcceptedEvent:
    now = d.clock.now()
    return AcceptedEvent(
        d.ids.uuid7(now), target.trigger_id, target.revision_id, now, body.decode()
    )
