"""Triggers and their revisions: create, look up, list, delete. Changes are in `trigger_changes`."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from triggerfish.adapters.db.engine import Database, fetch
from triggerfish.adapters.db.sealed_columns import (
    read_endpoint,
    read_secrets,
    read_verification,
    sealed_token,
    sealed_values,
    token_context,
)
from triggerfish.adapters.db.withdrawn_events import withdraw
from triggerfish.adapters.vault import Vault
from triggerfish.domain.delivery import DeliverySettings
from triggerfish.domain.firing import Cursor
from triggerfish.domain.retry import RetryPolicy
from triggerfish.domain.schedule import Schedule
from triggerfish.domain.trigger import (
    CatchUp,
    Definition,
    Disabled,
    DisabledReason,
    Revision,
    Trigger,
    TriggerStatus,
    TriggerType,
)

REVISION_COLUMNS = """
    r.id AS revision_id, r.number, r.type, r.schedule, r.endpoint, r.payload, r.schema, r.retry,
    r.catch_up, r.catch_up_window_seconds, r.verification, r.verification_secret,
    r.endpoint_headers, r.signing_secret, r.previous_signing_secret, r.previous_secret_until,
    r.trigger_id AS owner_id, r.created_by, r.created_at AS revised_at
"""

COLUMNS = f"""
    t.id, t.project_id, t.name, t.status, t.next_fire_at, t.fired_count, t.skipped_count,
    t.webhook_token, t.created_at, t.updated_at, t.failing_since, t.disabled_at,
    t.disabled_reason, {REVISION_COLUMNS}
"""

INSERT_REVISION = text("""
    INSERT INTO trigger_revisions
           (id, project_id, trigger_id, number, name, type, schedule, endpoint, endpoint_key,
            endpoint_headers, payload, schema, verification, verification_secret, retry, catch_up,
            catch_up_window_seconds, signing_secret, previous_signing_secret,
            previous_secret_until, created_by, created_at)
    VALUES (:revision_id, :project_id, :id, :number, :name, :type, CAST(:schedule AS jsonb),
            CAST(:endpoint AS jsonb), :endpoint_key, :endpoint_headers, :payload,
            CAST(:schema AS jsonb), CAST(:verification AS jsonb), :verification_secret,
            CAST(:retry AS jsonb), :catch_up, :catch_up_window_seconds, :signing_secret,
            :previous_signing_secret, :previous_secret_until, :created_by,
            :created_at)
""")

INSERT_TRIGGER = text("""
    INSERT INTO triggers
           (id, project_id, name, type, status, revision_id, next_occurrence_at, next_fire_at,
            webhook_token, webhook_token_hash, created_at, updated_at)
    VALUES (:id, :project_id, :name, :type, 'active', :revision_id, :next_occurrence_at,
            :next_fire_at, :webhook_token, :webhook_token_hash, :created_at, :created_at)
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

LIST = text(f"""
    SELECT {COLUMNS}
      FROM triggers t JOIN trigger_revisions r ON r.id = t.revision_id
     WHERE t.project_id = :project_id
       AND (CAST(:type AS text) IS NULL OR t.type = :type)
       AND (CAST(:status AS text) IS NULL OR t.status = :status)
       AND (CAST(:before_at AS timestamptz) IS NULL
            OR (t.created_at, t.id) < (:before_at, CAST(:before_id AS uuid)))
     ORDER BY t.created_at DESC, t.id DESC
     LIMIT :limit
""")

REVISIONS = text("""
    SELECT id AS revision_id, trigger_id AS owner_id, endpoint, endpoint_headers, retry,
           signing_secret, previous_signing_secret, previous_secret_until
      FROM trigger_revisions
     WHERE id = ANY(:ids)
""")

DELETE = text("""
    DELETE FROM triggers WHERE project_id = :project_id AND id = :id RETURNING id
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

    async def insert(
        self,
        trigger: Trigger,
        *,
        cursor: Cursor,
        webhook_token_hash: bytes | None,
    ) -> None:
        """Store a new trigger and its first revision in one transaction."""
        async with self._database.transaction() as connection:
            await insert_revision(
                connection,
                self._vault,
                trigger.revision,
                project_id=trigger.project_id,
                trigger_id=trigger.id,
            )
            await fetch(
                connection,
                INSERT_TRIGGER,
                {
                    "id": trigger.id,
                    "project_id": trigger.project_id,
                    "name": trigger.revision.definition.name,
                    "type": trigger.revision.definition.type.value,
                    "revision_id": trigger.revision.id,
                    "next_occurrence_at": cursor.occurrence_at,
                    "next_fire_at": cursor.fire_at,
                    "webhook_token": sealed_token(self._vault, trigger),
                    "webhook_token_hash": webhook_token_hash,
                    "created_at": trigger.created_at,
                },
            )

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
        before: tuple[datetime, UUID] | None,
        limit: int,
    ) -> list[Trigger]:
        """Newest first, strictly older than `before` (a creation time and id)."""
        before_at, before_id = before or (None, None)
        rows = await self._database.run(
            LIST,
            project_id=project_id,
            type=type,
            status=status,
            before_at=before_at,
            before_id=before_id,
            limit=limit,
        )
        return [to_trigger(row, self._vault) for row in rows]

    async def delete(self, project_id: UUID, trigger_id: UUID, *, now: datetime) -> bool:
        """Delete the trigger and its look-ahead rows; False when the project has no such trigger.

        Events that fired stay readable: their revisions are kept until retention has dropped them.
        """
        async with self._database.transaction() as connection:
            deleted = await fetch(connection, DELETE, {"project_id": project_id, "id": trigger_id})
            if not deleted:
                return False
            await fetch(connection, REMOVE_NOT_YET_DUE, {"id": trigger_id, "now": now})
            await fetch(connection, RETIRE_REVISIONS, {"id": trigger_id, "now": now})
            return True

    async def delivery_settings(self, revision_ids: Iterable[UUID]) -> dict[UUID, DeliverySettings]:
        """Endpoint, retry policy and signing secrets of the given revisions."""
        rows = await self._database.run(REVISIONS, ids=list(revision_ids))
        return {
            row.revision_id: DeliverySettings(
                read_endpoint(row, self._vault),
                RetryPolicy.from_json(row.retry),
                read_secrets(row, self._vault),
            )
            for row in rows
        }


async def insert_revision(
    connection: AsyncConnection,
    vault: Vault,
    revision: Revision,
    *,
    project_id: UUID,
    trigger_id: UUID | None,
) -> None:
    """Store a definition as one immutable revision, of no trigger when `trigger_id` is None."""
    values = {"project_id": project_id, "id": trigger_id}
    values |= _revision_values(revision) | sealed_values(revision, trigger_id, vault)
    await fetch(connection, INSERT_REVISION, values)


def _revision_values(revision: Revision) -> dict[str, Any]:
    definition = revision.definition
    endpoint = definition.endpoint.to_json() | {"headers": {}}  # they may hold credentials
    return {
        "revision_id": revision.id,
        "number": revision.number,
        "name": definition.name,
        "type": definition.type.value,
        "schedule": _json(definition.schedule.to_json() if definition.schedule else None),
        "endpoint": _json(endpoint),
        "endpoint_key": definition.endpoint.key,
        "payload": definition.payload,
        "schema": _json(definition.schema),
        "verification": _json(definition.verification and definition.verification.to_json()),
        "retry": _json(definition.retry.to_json()),
        "catch_up": definition.catch_up.value,
        "catch_up_window_seconds": definition.catch_up_window_seconds,
        "created_by": revision.created_by,
        "created_at": revision.created_at,
    }


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(value)


def to_revision(row: Row[Any], vault: Vault) -> Revision:
    """A revision from REVISION_COLUMNS and `name`."""
    definition = Definition(
        type=TriggerType(row.type),
        name=row.name,
        endpoint=read_endpoint(row, vault),
        retry=RetryPolicy.from_json(row.retry),
        schedule=Schedule.from_json(row.schedule) if row.schedule is not None else None,
        payload=row.payload,
        schema=row.schema,
        verification=read_verification(row, vault),
        catch_up=CatchUp(row.catch_up),
        catch_up_window_seconds=row.catch_up_window_seconds,
    )
    return Revision(
        row.revision_id,
        row.number,
        definition,
        read_secrets(row, vault),
        row.revised_at,
        row.created_by,
    )


def to_trigger(row: Row[Any], vault: Vault) -> Trigger:
    """A trigger from COLUMNS."""
    token = row.webhook_token
    return Trigger(
        row.id,
        row.project_id,
        TriggerStatus(row.status),
        to_revision(row, vault),
        row.next_fire_at,
        row.fired_count,
        row.skipped_count,
        token and vault.open(token, token_context(row.id)),
        row.created_at,
        row.updated_at,
        row.failing_since,
        Disabled(row.disabled_at, DisabledReason(row.disabled_reason)) if row.disabled_at else None,
    )
