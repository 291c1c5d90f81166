"""A notifier that fires an API trigger of this platform: its endpoint gets a signed webhook."""

import json
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from triggerfish.domain.catalogue_notification import Notification
from triggerfish.domain.errors import TriggerfishError, TryLater
from triggerfish.domain.idempotency import keyed_request
from triggerfish.domain.timestamps import format_rfc3339
from triggerfish.domain.trigger import Trigger
from triggerfish.usecases.fire_webhook import FireWebhookDeps, fire_webhook


class TriggerFinder(Protocol):
    async def by_id(self, trigger_id: UUID) -> Trigger | None:
        """A trigger of whichever project: the operator names it."""
        ...


@dataclass(frozen=True, slots=True)
class TriggerNotifier:
    """Fires the trigger with the notification's id as the idempotency key: one event each."""

    trigger_id: UUID
    triggers: TriggerFinder
    fire: FireWebhookDeps

    async def notify(self, notification: Notification) -> None:
        """Raises TryLater for whatever keeps the trigger from taking it: that may be mended."""
        trigger = await self.triggers.by_id(self.trigger_id)
        if trigger is None or trigger.webhook_token is None:
            raise TryLater(f"There is no API trigger {self.trigger_id}.")
        body = _body(notification)
        try:
            keyed = keyed_request([str(notification.id)], body)
            await fire_webhook(trigger.webhook_token, body, self.fire, request=keyed)
        except TriggerfishError as refused:
            raise TryLater(f"The trigger refused it: {refused.message}") from refused


def _body(notification: Notification) -> bytes:
    return json.dumps(
        {
            "type": f"catalogue.event_{notification.news.value}",
            "message": notification.text,
            "eventId": str(notification.event_id),
            "occurredAt": format_rfc3339(notification.created_at),
        }
    ).encode()
