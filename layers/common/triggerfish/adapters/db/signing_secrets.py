"""Signing secrets of triggers: replaced, with the one before kept while both sign."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from triggerfish.adapters.db.engine import Database, fetch
from triggerfish.adapters.db.sealed_columns import signing_context
from triggerfish.adapters.db.trigger_rows import to_trigger
from triggerfish.adapters.db.triggers import GET
from triggerfish.adapters.vault import Vault
from triggerfish.domain.trigger import Trigger

# No revision is added meanwhile: whoever adds one holds this lock too.
TOUCH = text("""
    UPDATE triggers SET updated_at = :now WHERE project_id = :project_id AND id = :id RETURNING id
""")

ROTATE = text("""
    UPDATE trigger_revisions
       SET previous_signing_secret = signing_secret, previous_secret_until = :until,
           signing_secret = :sealed
     WHERE trigger_id = :id
""")


class SigningSecrets:
    """Rotates; everything that reads a revision reads its secrets."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    async def rotate(
        self, project_id: UUID, trigger_id: UUID, *, secret: str, now: datetime, until: datetime
    ) -> Trigger | None:
        """The trigger with its new secret in all of its revisions; None when there is none."""
        owned = {"project_id": project_id, "id": trigger_id}
        sealed = self._vault.seal(secret, signing_context(trigger_id))
        async with self._database.transaction() as connection:
            if not await fetch(connection, TOUCH, owned | {"now": now}):
                return None
            values = {"id": trigger_id, "sealed": sealed, "until": until}
            await fetch(connection, ROTATE, values)
            [row] = await fetch(connection, GET, owned)
            return to_trigger(row, self._vault)
