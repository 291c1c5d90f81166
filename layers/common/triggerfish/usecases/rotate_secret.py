"""Give a trigger a new signing secret; for a while its deliveries carry both signatures."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from triggerfish.domain.access import Principal
from triggerfish.domain.errors import NotFound
from triggerfish.domain.overlap import parse_overlap
from triggerfish.domain.trigger import Trigger
from triggerfish.ports import Clock, Ids


class SigningSecrets(Protocol):
    async def rotate(
        self, project_id: UUID, trigger_id: UUID, *, secret: str, now: datetime, until: datetime
    ) -> Trigger | None:
        """Store the new secret; the one before goes on signing until `until`, no earlier one."""
        ...


@dataclass(frozen=True, slots=True)
class RotateSecretDeps:
    clock: Clock
    ids: Ids
    secrets: SigningSecrets


async def rotate_secret(
    trigger_id: UUID, raw: object, caller: Principal, d: RotateSecretDeps
) -> Trigger:
    """Raises InvalidInput for the body and NotFound."""
    overlap = parse_overlap(raw)
    now = d.clock.now()
    rotated = await d.secrets.rotate(
        caller.project_id,
        trigger_id,
        secret=d.ids.signing_secret(),
        now=now,
        until=now + overlap,
    )
    if rotated is None:
        raise NotFound("There is no such trigger.")
    return rotated
