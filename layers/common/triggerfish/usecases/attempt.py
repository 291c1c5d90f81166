"""One attempt at an event: the settings it goes by, the POST, and what its answer means."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from triggerfish.domain.delivery import ClaimedEvent, DeliverySettings, Outcome, settle
from triggerfish.domain.endpoint import sent_url
from triggerfish.domain.exchange import OutboundRequest
from triggerfish.domain.hops import hop_headers, refusal
from triggerfish.domain.signing import delivery_headers
from triggerfish.ports import Clock, Sender


async def attempt(
    event: ClaimedEvent, settings: DeliverySettings, *, sender: Sender, clock: Clock
) -> Outcome:
    """Post the event once and decide what the answer means; writes nothing."""
    started = clock.now()
    request = request_for(event, settings, at=started)
    reply = refusal(event.hops) or await sender.post(request)
    return settle(
        event,
        settings.retry,
        reply,
        url=sent_url(request.url),
        started=started,
        ended=clock.now(),
    )


async def settings_for(
    event: ClaimedEvent,
    *,
    settings_of: Callable[[UUID], Awaitable[DeliverySettings]],
    current_settings: Callable[[UUID], Awaitable[DeliverySettings | None]],
) -> DeliverySettings:
    """Those of the revision it fired with; for a retry, the present ones if the trigger says so."""
    settings = await settings_of(event.revision_id)
    if event.attempt == 1 or event.trigger_id is None:
        return settings
    current = await current_settings(event.trigger_id)
    if current is None:
        return settings
    lease_allows = settings.endpoint.timeout_seconds  # it was taken before anybody looked
    timeout = min(current.endpoint.timeout_seconds, lease_allows)
    return replace(current, endpoint=replace(current.endpoint, timeout_seconds=timeout))


def request_for(
    event: ClaimedEvent, settings: DeliverySettings, *, at: datetime
) -> OutboundRequest:
    """The POST of one attempt: the exact payload, signed, its id the same in every retry."""
    body = event.payload.encode()
    secrets = settings.secrets.at(at)
    signed = delivery_headers(str(event.id), int(at.timestamp()), body, *secrets)
    return OutboundRequest(
        settings.endpoint.url,
        {**dict(settings.endpoint.headers), **signed, **hop_headers(event.hops)},
        body,
        settings.endpoint.timeout_seconds,
        event.project_id,
    )
