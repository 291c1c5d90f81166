"""The history of a trigger: its revisions, which never change."""

from uuid import UUID

from sqlalchemy import text

from triggerfish.adapters.db.engine import Database
from triggerfish.adapters.db.trigger_rows import REVISION_COLUMNS, to_revision
from triggerfish.adapters.db.values import keyset, no_more_than_a_page
from triggerfish.adapters.vault import Vault
from triggerfish.domain.page import Place
from triggerfish.domain.trigger import Revision

# Revisions from before they kept their names show the trigger's.
NEWEST = f"""
    SELECT {REVISION_COLUMNS}, coalesce(r.name, t.name) AS name
      FROM trigger_revisions r JOIN triggers t ON t.id = r.trigger_id
     WHERE t.project_id = :project_id AND t.id = :trigger_id
       AND (CAST(:before_at AS timestamptz) IS NULL
            OR (r.created_at, r.id) < (:before_at, CAST(:before_id AS uuid)))
     ORDER BY r.created_at DESC, r.id DESC
     LIMIT :limit
"""
LIST = text(
    no_more_than_a_page(
        NEWEST,
        columns="*",
        size="coalesce(octet_length(payload), 0)",
        order="ORDER BY revised_at DESC, revision_id DESC",
    )
)


class Revisions:
    """Reads of `trigger_revisions`."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    async def page(
        self, project_id: UUID, trigger_id: UUID, *, before: Place | None, limit: int
    ) -> list[Revision]:
        """Newest first, strictly older than `before` (a creation time and id)."""
        rows = await self._database.run(
            LIST, project_id=project_id, trigger_id=trigger_id, **keyset(before, limit)
        )
        return [to_revision(row, self._vault) for row in rows]
