"""Triggers and their revisions: create, look up, list, delete. Changes are in `trigger_changes`."""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from triggerfish.adapters.db.engine import Database, fetch
from triggerfish.domain.delivery import DeliverySettings
from triggerfish.domain.endpoint import Endpoint, endpoint_key
from triggerfish.domain.firing import Cursor
from triggerfish.domain.retry import RetryPolicy
from triggerfish.domain.schedule import Schedule
from triggerfish.domain.trigger import (
    CatchUp,
    Definition,
    Revision,
    Trigger,
    TriggerStatus,
    TriggerType,
)

REVISION_COLUMNS = """
    r.id AS revision_id, r.number, r.type, r.schedule, r.endpoint, r.payload, r.schema, r.retry,
    r.catch_up, r.catch_up_window_seconds, r.signing_secret, r.created_by,
    r.created_at AS revised_at
"""

COLUMNS = f"""
    t.id, t.project_id, t.name, t.status, t.next_fire_at, t.fired_count, t.skipped_count,
    t.webhook_token, t.created_at, t.updated_at, {REVISION_COLUMNS}
"""

INSERT_REVISION = text("""
    INSERT INTO trigger_revisions
           (id, project_id, trigger_id, number, name, type, schedule, endpoint, endpoint_key,
            payload, schema, retry, catch_up, catch_up_window_seconds, signing_secret, created_by,
            created_at)
    VALUES (:revision_id, :project_id, :id, :number, :name, :type, CAST(:schedule AS jsonb),
            CAST(:endpoint AS jsonb), :endpoint_key, :payload, CAST(:schema AS jsonb),
            CAST(:retry AS jsonb), :catch_up, :catch_up_window_seconds, :signing_secret,
            :created_by, :created_at)
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
    SELECT {COLUMNS}
      FROM triggers t JOIN trigger_revisions r ON r.id = t.revision_id
     WHERE t.webhook_token_hash = :token_hash
     UNION ALL
    SELECT {COLUMNS}
      FROM previous_webhook_tokens p JOIN triggers t ON t.id = p.trigger_id
                                     JOIN trigger_revisions r ON r.id = t.revision_id
     WHERE p.token_hash = :token_hash AND p.valid_until > :now
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
    SELECT id, number, type, endpoint, retry, signing_secret
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
REMOVE_NOT_YET_DUE = text("""
    DELETE FROM event_logs_active
     WHERE trigger_id = :id AND source = 'scheduled' AND status = 'pending'
       AND attempt = 0 AND fired_at > :now
""")

DISABLE = text("""
    UPDATE triggers SET status = 'disabled', next_fire_at = NULL, updated_at = :now
     WHERE id = :id AND revision_id = :revision_id AND status = 'active'
""")


class Triggers:
    """Reads and writes of `triggers` and `trigger_revisions`."""

    def __init__(self, database: Database) -> None:
        self._database = database

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
                    "webhook_token": trigger.webhook_token,
                    "webhook_token_hash": webhook_token_hash,
                    "created_at": trigger.created_at,
                },
            )

    async def get(self, project_id: UUID, trigger_id: UUID) -> Trigger | None:
        rows = await self._database.run(GET, project_id=project_id, id=trigger_id)
        return to_trigger(rows[0]) if rows else None

    async def by_id(self, trigger_id: UUID) -> Trigger | None:
        """A trigger of whichever project."""
        rows = await self._database.run(BY_ID, id=trigger_id)
        return to_trigger(rows[0]) if rows else None

    async def by_token(self, token_hash: bytes, *, now: datetime) -> Trigger | None:
        """The trigger of a webhook URL, the present one or an earlier one in its grace."""
        rows = await self._database.run(BY_TOKEN, token_hash=token_hash, now=now)
        return to_trigger(rows[0]) if rows else None

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
        return [to_trigger(row) for row in rows]

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

    async def disable(self, trigger_id: UUID, *, revision_id: UUID, now: datetime) -> None:
        """Stop an active trigger, if it is still at this revision."""
        await self._database.run(DISABLE, id=trigger_id, revision_id=revision_id, now=now)

    async def delivery_settings(self, revision_ids: Iterable[UUID]) -> dict[UUID, DeliverySettings]:
        """Endpoint, retry policy and signing secret of the given revisions."""
        rows = await self._database.run(REVISIONS, ids=list(revision_ids))
        return {
            row.id: DeliverySettings(
                Endpoint.from_json(row.endpoint), _retry(row.retry), row.signing_secret
            )
            for row in rows
        }


async def insert_revision(
    connection: AsyncConnection, revision: Revision, *, project_id: UUID, trigger_id: UUID | None
) -> None:
    """Store a definition as one immutable revision, of no trigger when `trigger_id` is None."""
    owner = {"project_id": project_id, "id": trigger_id}
    await fetch(connection, INSERT_REVISION, owner | _revision_values(revision))


def _revision_values(revision: Revision) -> dict[str, Any]:
    definition = revision.definition
    return {
        "revision_id": revision.id,
        "number": revision.number,
        "name": definition.name,
        "type": definition.type.value,
        "schedule": _json(definition.schedule.to_json() if definition.schedule else None),
        "endpoint": _json(definition.endpoint.to_json()),
        "endpoint_key": endpoint_key(definition.endpoint.url),
        "payload": definition.payload,
        "schema": _json(definition.schema),
        "retry": _json(definition.retry.to_json()),
        "catch_up": definition.catch_up.value,
        "catch_up_window_seconds": definition.catch_up_window_seconds,
        "signing_secret": revision.signing_secret,
        "created_by": revision.created_by,
        "created_at": revision.created_at,
    }


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(value)


def _retry(raw: dict[str, Any]) -> RetryPolicy:
    return RetryPolicy(tuple(raw["delays_seconds"]))


def to_revision(row: Row[Any]) -> Revision:
    """A revision from REVISION_COLUMNS and `name`."""
    definition = Definition(
        type=TriggerType(row.type),
        name=row.name,
        endpoint=Endpoint.from_json(row.endpoint),
        retry=_retry(row.retry),
        schedule=Schedule.from_json(row.schedule) if row.schedule is not None else None,
        payload=row.payload,
        schema=row.schema,
        catch_up=CatchUp(row.catch_up),
        catch_up_window_seconds=row.catch_up_window_seconds,
    )
    return Revision(
        row.revision_id,
        row.number,
        definition,
        row.signing_secret,
        row.revised_at,
        row.created_by,
    )


def to_trigger(row: Row[Any]) -> Trigger:
    """A trigger from COLUMNS."""
    return Trigger(
        row.id,
        row.project_id,
        TriggerStatus(row.status),
        to_revision(row),
        row.next_fire_at,
        row.fired_count,
        row.skipped_count,
        row.webhook_token,
        row.created_at,
        row.updated_at,
    )
