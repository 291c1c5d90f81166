"""Fire an API trigger: check the payload, store the event, and only then say yes."""

from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from triggerfish.domain.access import hash_secret
from triggerfish.domain.delivery import EventRef
from triggerfish.domain.errors import Conflict, InvalidInput, NotFound, TriggerfishError
from triggerfish.domain.event_log import AcceptedEvent
from triggerfish.domain.json_payload import parse_payload
from triggerfish.domain.payload_schema import violations
from triggerfish.domain.trigger import MAX_PAYLOAD_BYTES, TriggerStatus, WebhookTarget
from triggerfish.ports import Clock, Ids, Queue
from triggerfish.usecases.enqueue import Enqueued, enqueue


class WebhookTargets(Protocol):
    """Targets by token hash, remembered for speed; storing an event checks that one still holds."""

    async def find(self, token_hash: bytes) -> WebhookTarget | None: ...

    async def look_up(self, token_hash: bytes) -> WebhookTarget | None:
        """The same, as it is now, whatever is remembered."""
        ...


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


async def fire_webhook(token: str, body: bytes, d: FireWebhookDeps) -> UUID:
    """Accept one call and return its event's id, once the event is committed.

    Raises NotFound for an unknown token, Conflict for a trigger that is not active, and
    InvalidInput or TooLarge for a body that is not storable JSON or does not fit the schema;
    then nothing is stored.
    """
    payload = parse_payload(body, max_bytes=MAX_PAYLOAD_BYTES)
    token_hash = hash_secret(token)
    target = await d.targets.find(token_hash)
    event_id = await _accept(target, token_hash, payload, body, d)
    if event_id is None:  # what is remembered may be out of date: nobody is refused for that
        target = await d.targets.look_up(token_hash)
        _check(target, payload)
        event_id = await _accept(target, token_hash, payload, body, d)
    if event_id is None:
        raise Conflict("The trigger is being changed; send the request again.")
    return event_id


async def _accept(
    target: WebhookTarget | None,
    token_hash: bytes,
    payload: Any,
    body: bytes,
    d: FireWebhookDeps,
) -> UUID | None:
    """Store and enqueue an event; None when the target refuses it or does not hold any more."""
    if target is None or _refusal(target, payload):
        return None
    event = _event(target, token_hash, body, d)
    if not await d.events.insert(event):
        return None
    ref = EventRef(event.id, event.fired_at, target.endpoint_key, str(event.id))
    await enqueue([ref], queue=d.queue, events=d.events, clock=d.clock)
    return event.id


def _check(target: WebhookTarget | None, payload: Any) -> None:
    if target is None:
        raise NotFound("There is no such webhook.")
    if refusal := _refusal(target, payload):
        raise refusal


def _refusal(target: WebhookTarget, payload: Any) -> TriggerfishError | None:
    if target.status is not TriggerStatus.ACTIVE:
        return Conflict(f"The trigger is {target.status.value}; it accepts no events.")
    if problems := violations(target.validator, payload):
        return InvalidInput("The payload does not match the trigger's schema.", problems)
    return None


def _event(
    target: WebhookTarget, token_hash: bytes, body: bytes, d: FireWebhookDeps
) -> AcceptedEvent:
    now = d.clock.now()
    return AcceptedEvent(
        d.ids.uuid7(now), target.trigger_id, target.revision_id, now, body.decode(), token_hash
    )
