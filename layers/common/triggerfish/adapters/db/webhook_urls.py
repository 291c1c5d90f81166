"""Webhook URLs of API triggers: the present token, and earlier ones that still work for a while."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text

from triggerfish.adapters.db.engine import Database, fetch
from triggerfish.adapters.db.sealed_columns import token_context
from triggerfish.adapters.db.trigger_rows import to_trigger
from triggerfish.adapters.db.triggers import GET
from triggerfish.adapters.vault import Vault
from triggerfish.domain.trigger import Trigger

LOCK = text("SELECT id FROM triggers WHERE project_id = :project_id AND id = :id FOR UPDATE")

FORGET_EXPIRED = text("""
    DELETE FROM previous_webhook_tokens WHERE trigger_id = :id AND valid_until <= :now
""")

# A grace bounds all earlier URLs, so that one which leaked can be closed at once.
SHORTEN = text("""
    UPDATE previous_webhook_tokens SET valid_until = least(valid_until, :until)
     WHERE trigger_id = :id
""")

KEEP_PRESENT = text("""
    INSERT INTO previous_webhook_tokens (token_hash, trigger_id, valid_until)
    SELECT webhook_token_hash, id, :until FROM triggers WHERE id = :id
""")

REPLACE = text("""
    UPDATE triggers
       SET webhook_token = :token, webhook_token_hash = :token_hash, updated_at = :now
     WHERE id = :id
""")


def token_holds(token_hash: str, at: str) -> str:
    """The condition that a token (SQL for its hash) leads to trigger `t` at an instant (SQL)."""
    return f"""
        (t.webhook_token_hash = {token_hash}
         OR EXISTS (SELECT FROM previous_webhook_tokens p
                     WHERE p.token_hash = {token_hash} AND p.trigger_id = t.id
                       AND p.valid_until > {at}))
    """


class WebhookUrls:
    """Replaces tokens; `Triggers.by_token` finds a trigger by any that holds."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    async def get(self, project_id: UUID, trigger_id: UUID) -> Trigger | None:
        rows = await self._database.run(GET, project_id=project_id, id=trigger_id)
        return to_trigger(rows[0], self._vault) if rows else None

    async def rotate(
        self, trigger: Trigger, *, token: str, token_hash: bytes, now: datetime, grace: timedelta
    ) -> Trigger | None:
        """The trigger with its new token; None when it is gone meanwhile."""
        owned = {"project_id": trigger.project_id, "id": trigger.id}
        async with self._database.transaction() as connection:
            if not await fetch(connection, LOCK, owned):
                return None
            times = {"id": trigger.id, "until": now + grace}
            await fetch(connection, FORGET_EXPIRED, {"id": trigger.id, "now": now})
            await fetch(connection, SHORTEN, times)
            await fetch(connection, KEEP_PRESENT, times)
            sealed = self._vault.seal(token, token_context(trigger.id))
            values = {"id": trigger.id, "token": sealed, "token_hash": token_hash, "now": now}
            await fetch(connection, REPLACE, values)
            [row] = await fetch(connection, GET, owned)
            return to_trigger(row, self._vault)
