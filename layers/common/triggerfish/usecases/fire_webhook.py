"""Fire an API trigger: check the payload, store the event, and only then say yes."""

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Protocol
from uuid import UUID

from triggerfish.domain.access import hash_secret
from triggerfish.domain.delivery import EventRef
from triggerfish.domain.errors import (
    Conflict,
    FieldError,
    InvalidInput,
    NotFound,
    TriggerfishError,
    Unauthorised,
)
from triggerfish.domain.event_log import AcceptedEvent, Source
from triggerfish.domain.hops import hops_of
from triggerfish.domain.idempotency import FirstRequest, KeyedRequest, first_event
from triggerfish.domain.json_payload import parse_payload
from triggerfish.domain.payload_schema import Validator, violations
from triggerfish.domain.trigger import FIRING, MAX_PAYLOAD_BYTES, WebhookTarget
from triggerfish.domain.verification import is_verified
from triggerfish.ports import Clock, Ids, Journal, Queue, Room
from triggerfish.usecases.enqueue import Unsent, enqueue

NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class WebhookTargets(Protocol):
    """Targets by token hash, remembered for speed; storing an event checks that one still holds."""

    async def find(self, token_hash: bytes) -> WebhookTarget | None: ...

    def forget(self, token_hash: bytes) -> None:
        """Look it up anew the next time."""
        ...


class AcceptedEvents(Unsent, Protocol):
    """Stores accepted events; concurrent calls share one commit."""

    async def insert(self, event: AcceptedEvent) -> bool:
        """Commit an event; False when its trigger is gone, paused or has another revision."""
        ...


class Rates(Protocol):
    def take(self, id: UUID) -> None:
        """Count a call of that trigger. Raises TooManyRequests."""
        ...


class KeyedEvents(Protocol):
    """Events whose caller named them by an idempotency key."""

    async def find(self, trigger_id: UUID, key: str, *, now: datetime) -> FirstRequest | None: ...

    async def insert(self, event: AcceptedEvent, request: KeyedRequest) -> bool:
        """Commit an event with its key; False as for other events, or when the key is taken."""
        ...


@dataclass(frozen=True, slots=True)
class Accepted:
    """The answer to a call: its event, which an earlier call with the same key may have made."""

    event_id: UUID
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class FireWebhookDeps:
    clock: Clock
    ids: Ids
    targets: WebhookTargets
    rates: Rates
    events: AcceptedEvents
    keyed: KeyedEvents
    queue: Queue
    journal: Journal
    room: Room
    run_behind: Callable[[Coroutine[Any, Any, None]], object]  # while the caller has its answer


async def fire_webhook(
    token: str,
    body: bytes,
    d: FireWebhookDeps,
    *,
    headers: Mapping[str, str] = NO_HEADERS,
    request: KeyedRequest | None = None,
) -> Accepted:
    """Accept one call, once its event is committed; `request` is set if the caller sent a key.

    `headers` by lower-case name, for the trigger's verification. Raises NotFound for an unknown
    token, TooManyRequests, Unauthorised for a call that does not prove itself, Conflict for a
    trigger that is not active, KeyReused for a key that came with another body, and InvalidInput
    or TooLarge for a body that is not storable JSON or does not fit the schema; then nothing is
    stored.
    """
    token_hash = hash_secret(token)
    if request:  # what an earlier call came to is told only to a URL that is valid still
        d.targets.forget(token_hash)
    refusal: TriggerfishError | None = None
    judged = _Judged()
    # A remembered target may be out of date, or the same key come in by another door at this
    # moment: nobody is refused before we have looked again.
    for look in range(2):
        target = await _find(token_hash, d)
        if look == 0:
            d.rates.take(target.trigger_id)
        refusal = _unverified(target, headers, body, d)
        if refusal is None:
            payload = parse_payload(body, max_bytes=MAX_PAYLOAD_BYTES)
            earlier = await _earlier(target, request, d) if request else None
            if earlier is not None:
                return Accepted(earlier, repeated=True)
            refusal = _refusal(target, payload, judged)
        if refusal is None:
            d.room.take(target.project_id, events=1, size=len(body))
            event = _event(target, token_hash, body, hops_of(headers), d)
            if await _insert(event, request, d):
                d.journal.accepted(event.id, source=Source.API, trigger_id=event.trigger_id)
                ref = EventRef(event.id, event.fired_at, target.endpoint_key)
                d.run_behind(enqueue([ref], queue=d.queue, events=d.events, clock=d.clock))
                return Accepted(event.id)
        d.targets.forget(token_hash)
    raise refusal or Conflict("The trigger is being changed; send the request again.")


async def _find(token_hash: bytes, d: FireWebhookDeps) -> WebhookTarget:
    target = await d.targets.find(token_hash)
    if target is None:
        raise NotFound("There is no such webhook.")
    return target


async def _earlier(target: WebhookTarget, request: KeyedRequest, d: FireWebhookDeps) -> UUID | None:
    first = await d.keyed.find(target.trigger_id, request.key, now=d.clock.now())
    return None if first is None else first_event(request, first)


async def _insert(event: AcceptedEvent, request: KeyedRequest | None, d: FireWebhookDeps) -> bool:
    if request is None:
        return await d.events.insert(event)
    return await d.keyed.insert(event, request)


def _unverified(
    target: WebhookTarget, headers: Mapping[str, str], body: bytes, d: FireWebhookDeps
) -> TriggerfishError | None:
    """The same words whatever was wrong: they must not help to guess."""
    now = int(d.clock.now().timestamp())
    if target.verification is None or is_verified(target.verification, headers, body, now):
        return None
    return Unauthorised("The request could not be verified.")


class _Judged:
    """What a payload violates; it is not judged twice by one validator, since that may cost."""

    _by: Validator | None = None
    _problems: tuple[FieldError, ...] = ()

    def violations(self, validator: Validator, payload: Any) -> tuple[FieldError, ...]:
        if validator is not self._by:
            self._by, self._problems = validator, violations(validator, payload)
        return self._problems


def _refusal(target: WebhookTarget, payload: Any, judged: _Judged) -> TriggerfishError | None:
    if target.status not in FIRING:
        return Conflict(f"The trigger is {target.status.value}; it accepts no events.")
    if problems := judged.violations(target.validator, payload):
        return InvalidInput("The payload does not match the trigger's schema.", problems)
    return None


def _event(
    target: WebhookTarget, token_hash: bytes, body: bytes, hops: int, d: FireWebhookDeps
) -> AcceptedEvent:
    now = d.clock.now()
    return AcceptedEvent(
        d.ids.uuid7(now),
        target.trigger_id,
        target.revision_id,
        now,
        body.decode(),
        token_hash,
        hops,
    )
