"""Give an API trigger a new webhook URL; the old one works until its grace is over."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from triggerfish.domain.access import Principal, hash_secret
from triggerfish.domain.errors import Conflict, NotFound
from triggerfish.domain.overlap import parse_overlap
from triggerfish.domain.trigger import Trigger, TriggerType
from triggerfish.domain.webhook_url import RotatedUrl
from triggerfish.ports import Clock, Ids


class WebhookUrls(Protocol):
    async def get(self, project_id: UUID, trigger_id: UUID) -> Trigger | None: ...

    async def rotate(
        self, trigger: Trigger, *, token: str, token_hash: bytes, now: datetime, grace: timedelta
    ) -> Trigger | None:
        """Store the new token; earlier ones work until `now + grace` at the longest."""
        ...


@dataclass(frozen=True, slots=True)
class RotateUrlDeps:
    ids: Ids
    clock: Clock
    urls: WebhookUrls


async def rotate_url(
    trigger_id: UUID, raw: object, caller: Principal, d: RotateUrlDeps
) -> RotatedUrl:
    """Raises InvalidInput, NotFound, and Conflict for a trigger that has no webhook URL."""
    grace = parse_overlap(raw, "grace_seconds")
    trigger = await d.urls.get(caller.project_id, trigger_id)
    if trigger is None:
        raise NotFound("There is no such trigger.")
    if trigger.revision.definition.type is not TriggerType.API:
        raise Conflict("A scheduled trigger has no webhook URL.")
    now, token = d.clock.now(), d.ids.token()
    rotated = await d.urls.rotate(
        trigger, token=token, token_hash=hash_secret(token), now=now, grace=grace
    )
    if rotated is None:  # deleted just now
        raise NotFound("There is no such trigger.")
    return RotatedUrl(rotated, now + grace)
