"""What an operator does to the stores as a whole: bring them up to date, encrypt them anew."""

import asyncio

from triggerfish.adapters.aws_clients import s3_client
from triggerfish.adapters.db.lost_messages import forget_messages
from triggerfish.adapters.db.migrate import upgrade
from triggerfish.adapters.object_store_s3 import ensure_bucket
from triggerfish.settings import Settings
from triggerfish.usecases.manage_projects import issue_key
from triggerfish.wiring import Wiring


class PlainSecrets(Exception):
    """Secrets would be stored as they are, and nobody said that they may."""

    def __init__(self) -> None:
        super().__init__(
            "There is no encryption key: set TRIGGERFISH_ENCRYPTION_KEYS or "
            "TRIGGERFISH_ENCRYPTION_KEYS_FILE (docs/security.md), or TRIGGERFISH_PLAIN_SECRETS=1 "
            "to store secrets as they are."
        )


def migrate(settings: Settings, *, queues_are_new: bool = False) -> None:
    """Bring the database to the current schema, ensure the bootstrap key, and encrypt secrets that
    are not; safe to repeat. For queues that kept no message, what is open is sent anew.

    Raises PlainSecrets without an encryption key, unless the settings allow that in so many words.
    """
    if settings.key_ring.first is None and not settings.plain_secrets:
        raise PlainSecrets
    upgrade(settings.database_url)
    asyncio.run(_prepare(settings, queues_are_new))


async def _prepare(settings: Settings, queues_are_new: bool) -> None:
    parts = Wiring(settings)
    try:
        if settings.bootstrap_api_key:
            await parts.ensure_bootstrap(settings.bootstrap_api_key)
        if settings.key_ring.first is not None:
            await parts.sealed_secrets.rekey(only_plain=True)
        if queues_are_new:
            await forget_messages(parts.database, now=parts.clock.now())
    finally:
        await parts.close()


def prepare_store(settings: Settings) -> None:
    """Make the bucket of uploaded files in an S3 service of one's own; on AWS the template does.

    Raises TryLater when the service is away or refuses.
    """
    kind, _, place = settings.object_store.partition(":")
    if kind == "s3" and settings.s3_endpoint_url:
        ensure_bucket(s3_client(settings.s3_endpoint_url), place.removeprefix("//"))


async def issue_key_for(settings: Settings, project: str, wanted: dict[str, object]) -> str:
    """Make a key for a project and return it. Raises NotFound and InvalidInput."""
    parts = Wiring(settings)
    try:
        issued = await issue_key(project, wanted, parts.manage_projects, parts.keys)
        return issued.secret
    finally:
        await parts.close()


async def rekey(settings: Settings) -> int:
    """Encrypt every secret under the first key of the ring; how many were under another."""
    parts = Wiring(settings)
    try:
        return await parts.sealed_secrets.rekey()
    finally:
        await parts.close()


async def give_back_leases(settings: Settings) -> int:
    """Free the events that an earlier worker of this name has left leased; how many there were.

    Raises TryLater when the database is away.
    """
    parts = Wiring(settings)
    try:
        return await parts.deliveries.give_back_own(now=parts.clock.now())
    finally:
        await parts.close()
