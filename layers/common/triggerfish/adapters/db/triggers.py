"""Triggers and their revisions: create, look up, list, delete. Changes are in `trigger_changes`."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

from triggerfish.adapters.db.engine import Database, fetch
from triggerfish.adapters.db.sealed_columns import (
    read_endpoint,
    read_secrets,
    sealed_token,
)
from triggerfish.adapters.db.trigger_rows import (
    COLUMNS,
    INSERT_REVISIONS,
    revision_row,
    to_trigger,
)
from triggerfish.adapters.db.values import keyset, no_more_than_a_page, to_json
from triggerfish.adapters.db.withdrawn_events import withdraw
from triggerfish.adapters.vault import Vault
from triggerfish.domain.access import hash_secret
from triggerfish.domain.delivery import DeliverySettings
from triggerfish.domain.page import Place
from triggerfish.domain.retry import RetryPolicy
from triggerfish.domain.trigger import Trigger
from triggerfish.domain.trigger_change import Standing

# One statement: triggers and their first revisions are stored together or not at all.
INSERT = text(f"""
    WITH revisions AS ({INSERT_REVISIONS})
    INSERT INTO triggers
           (id, project_id, name, type, status, revision_id, next_occurrence_at, next_fire_at,
            webhook_token, webhook_token_hash, created_at, updated_at)
    SELECT id, project_id, name, type, 'active', revision_id, next_occurrence_at, next_fire_at,
           webhook_token, decode(webhook_token_hash, 'hex'), created_at, created_at
      FROM json_to_recordset(CAST(:triggers AS json))
        AS t (id uuid, project_id uuid, name text, type text, revision_id uuid,
              next_occurrence_at timestamptz, next_fire_at timestamptz, webhook_token text,
              webhook_token_hash text, created_at timestamptz)
""")

GET = text(f"""
    SELECT {COLUMNS}
      FROM triggers t JOIN trigger_revisions r ON r.id = t.revision_id
     WHERE t.project_id = :project_id AND t.id = :id
""")

# For a setting of the operator, who is of no project. Every customer's look-up is by project.
BY_ID = text(f"""
    SELECT {COLUMNS}
      FROM triggers t JOIN trigger_revisions r ON r.id = t.revision_id
     WHERE t.id = :id
""")

BY_TOKEN = text(f"""
    SELECT {COLUMNS}, t.webhook_token_hash AS token_hash
      FROM triggers t JOIN trigger_revisions r ON r.id = t.revision_id
     WHERE t.webhook_token_hash = ANY(:token_hashes)
     UNION ALL
    SELECT {COLUMNS}, p.token_hash
      FROM previous_webhook_tokens p JOIN triggers t ON t.id = p.trigger_id
                                     JOIN trigger_revisions r ON r.id = t.revision_id
     WHERE p.token_hash = ANY(:token_hashes) AND p.valid_until > :now
""")

COUNT = text("""
    SELECT count(*) AS total
      FROM (SELECT FROM triggers WHERE project_id = :project_id LIMIT :enough) AS counted
""")

NEWEST = f"""
    SELECT {COLUMNS}
      FROM triggers t JOIN trigger_revisions r ON r.id = t.revision_id
     WHERE t.project_id = :project_id
       AND (CAST(:type AS text) IS NULL OR t.type = :type)
       AND (CAST(:status AS text) IS NULL OR t.status = :status)
       AND (CAST(:before_at AS timestamptz) IS NULL
            OR (t.created_at, t.id) < (:before_at, CAST(:before_id AS uuid)))
     ORDER BY t.created_at DESC, t.id DESC
     LIMIT :limit
"""
LIST = text(
    no_more_than_a_page(
        NEWEST,
        columns="*",
        size="coalesce(octet_length(payload), 0)",
        order="ORDER BY created_at DESC, id DESC",
    )
)

_SETTINGS = """
    SELECT r.id AS revision_id, r.trigger_id AS owner_id, r.endpoint, r.endpoint_headers, r.retry,
           r.signing_secret, r.previous_signing_secret, r.previous_secret_until
"""
REVISIONS = text(f"{_SETTINGS} FROM trigger_revisions r WHERE r.id = ANY(:ids)")
FOLLOWED = text(f"""
    {_SETTINGS}
      FROM triggers t JOIN trigger_revisions r ON r.id = t.revision_id
     WHERE t.id = ANY(:ids) AND r.retry ->> 'endpoint' = 'current'
""")

DELETE = text("""
    DELETE FROM triggers
     WHERE project_id = :project_id AND id = :id
       AND (CAST(:seen AS timestamptz) IS NULL OR updated_at = :seen)
    RETURNING id
""")

RETIRE_REVISIONS = text("""
    UPDATE trigger_revisions SET retired_at = :now WHERE trigger_id = :id AND retired_at IS NULL
""")

# The look-ahead writes rows before they are due; what has not fired yet goes with its trigger.
REMOVE_NOT_YET_DUE = withdraw("""
    trigger_id = :id AND source = 'scheduled' AND status = 'pending'
    AND attempt = 0 AND fired_at > :now
""")


class Triggers:
    """Reads and writes of `triggers` and `trigger_revisions`."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    async def insert(self, new: Sequence[Standing]) -> None:
        """Store new triggers with their first revisions, all or nothing."""
        revisions = [
            revision_row(
                self._vault,
                trigger.revision,
                project_id=trigger.project_id,
                trigger_id=trigger.id,
            )
            for trigger in (standing.trigger for standing in new)
        ]
        triggers = [_trigger_row(self._vault, standing) for standing in new]
        await self._database.run(INSERT, revisions=to_json(revisions), triggers=to_json(triggers))

    async def get(self, project_id: UUID, trigger_id: UUID) -> Trigger | None:
        rows = await self._database.run(GET, project_id=project_id, id=trigger_id)
        return to_trigger(rows[0], self._vault) if rows else None

    async def by_id(self, trigger_id: UUID) -> Trigger | None:
        """A trigger of whichever project."""
        rows = await self._database.run(BY_ID, id=trigger_id)
        return to_trigger(rows[0], self._vault) if rows else None

    async def by_tokens(
        self, token_hashes: Sequence[bytes], *, now: datetime
    ) -> dict[bytes, Trigger]:
        """The triggers of webhook URLs, the present one or an earlier one in its grace."""
        rows = await self._database.run(BY_TOKEN, token_hashes=list(token_hashes), now=now)
        return {bytes(row.token_hash): to_trigger(row, self._vault) for row in rows}

    async def count(self, project_id: UUID, *, enough: int) -> int:
        """How many triggers a project has; no more than `enough` are counted."""
        [row] = await self._database.run(COUNT, project_id=project_id, enough=enough)
        return int(row.total)

    async def page(
        self,
        project_id: UUID,
        *,
        type: str | None,
        status: str | None,
        before: Place | None,
        limit: int,
    ) -> list[Trigger]:
        """Newest first, strictly older than `before` (a creation time and id)."""
        rows = await self._database.run(
            LIST, project_id=project_id, type=type, status=status, **keyset(before, limit)
        )
        return [to_trigger(row, self._vault) for row in rows]

    async def delete(
        self, project_id: UUID, trigger_id: UUID, *, now: datetime, seen: datetime | None = None
    ) -> bool:
        """Delete the trigger and its look-ahead rows; False when the project has no such trigger.

        Nor is one deleted that was changed after it was `seen`.

        Events that fired stay readable: their revisions are kept until retention has dropped them.
        """
        async with self._database.transaction() as connection:
            wanted = {"project_id": project_id, "id": trigger_id, "seen": seen}
            if not await fetch(connection, DELETE, wanted):
                return False
            await fetch(connection, REMOVE_NOT_YET_DUE, {"id": trigger_id, "now": now})
            await fetch(connection, RETIRE_REVISIONS, {"id": trigger_id, "now": now})
            return True

    async def current_settings(self, trigger_ids: Iterable[UUID]) -> dict[UUID, DeliverySettings]:
        """Those of the triggers' present revisions that want retries to follow their edits."""
        rows = await self._database.run(FOLLOWED, ids=list(trigger_ids))
        return {row.owner_id: self._settings(row) for row in rows}

    async def delivery_settings(self, revision_ids: Iterable[UUID]) -> dict[UUID, DeliverySettings]:
        """Endpoint, retry policy and signing secrets of the given revisions."""
        rows = await self._database.run(REVISIONS, ids=list(revision_ids))
        return {row.revision_id: self._settings(row) for row in rows}

    def _settings(self, row: Row[Any]) -> DeliverySettings:
        return DeliverySettings(
            read_endpoint(row, self._vault),
            RetryPolicy.from_json(row.retry),
            read_secrets(row, self._vault),
        )


def _trigger_row(vault: Vault, new: Standing) -> dict[str, Any]:
    """One row of INSERT."""
    trigger = new.trigger
    token = trigger.webhook_token
    return {
        "id": trigger.id,
        "project_id": trigger.project_id,
        "name": trigger.revision.definition.name,
        "type": trigger.revision.definition.type.value,
        "revision_id": trigger.revision.id,
        "next_occurrence_at": new.occurrence_at,
        "next_fire_at": trigger.next_fire_at,
        "webhook_token": sealed_token(vault, trigger),
        "webhook_token_hash": hash_secret(token).hex() if token else None,
        "created_at": trigger.created_at,
    }
