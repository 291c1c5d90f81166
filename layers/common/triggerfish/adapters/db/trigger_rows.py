"""A trigger and its revisions as rows: the columns that are read, what is stored, and back."""

import json
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from triggerfish.adapters.db.engine import fetch
from triggerfish.adapters.db.sealed_columns import (
    read_endpoint,
    read_secrets,
    read_verification,
    sealed_values,
    token_context,
)
from triggerfish.adapters.db.values import to_json
from triggerfish.adapters.vault import Vault
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
    r.catch_up, r.catch_up_window_seconds, r.catch_up_grace_seconds,
    r.verification, r.verification_secret, r.endpoint_headers,
    r.signing_secret, r.previous_signing_secret, r.previous_secret_until,
    r.trigger_id AS owner_id, r.created_by, r.created_at AS revised_at
"""

COLUMNS = f"""
    t.id, t.project_id, t.name, t.status, t.next_fire_at, t.fired_count, t.skipped_count,
    t.webhook_token, t.created_at, t.updated_at, t.failing_since, t.disabled_at,
    t.disabled_reason, {REVISION_COLUMNS}
"""

# Documents come as texts, for integers that orjson could not write, and are cast here.
INSERT_REVISIONS = """
    INSERT INTO trigger_revisions
           (id, project_id, trigger_id, number, name, type, schedule, endpoint, endpoint_key,
            endpoint_headers, payload, schema, verification, verification_secret, retry, catch_up,
            catch_up_window_seconds, catch_up_grace_seconds, signing_secret,
            previous_signing_secret, previous_secret_until, created_by, created_at)
    SELECT id, project_id, trigger_id, number, name, type, CAST(schedule AS jsonb),
           CAST(endpoint AS jsonb), endpoint_key, endpoint_headers, payload, CAST(schema AS jsonb),
           CAST(verification AS jsonb), verification_secret, CAST(retry AS jsonb), catch_up,
           catch_up_window_seconds, catch_up_grace_seconds, signing_secret, previous_signing_secret,
           previous_secret_until, created_by, created_at
      FROM json_to_recordset(CAST(:revisions AS json))
        AS r (id uuid, project_id uuid, trigger_id uuid, number int, name text, type text,
              schedule text, endpoint text, endpoint_key text, endpoint_headers text, payload text,
              schema text, verification text, verification_secret text, retry text, catch_up text,
              catch_up_window_seconds int, catch_up_grace_seconds int, signing_secret text,
              previous_signing_secret text, previous_secret_until timestamptz,
              created_by text, created_at timestamptz)
"""
INSERT_REVISION = text(INSERT_REVISIONS)


async def insert_revision(
    connection: AsyncConnection,
    vault: Vault,
    revision: Revision,
    *,
    project_id: UUID,
    trigger_id: UUID | None,
) -> None:
    """Store a definition as one immutable revision, of no trigger when `trigger_id` is None."""
    row = revision_row(vault, revision, project_id=project_id, trigger_id=trigger_id)
    await fetch(connection, INSERT_REVISION, {"revisions": to_json([row])})


def revision_row(
    vault: Vault, revision: Revision, *, project_id: UUID, trigger_id: UUID | None
) -> dict[str, Any]:
    """One row of INSERT_REVISIONS."""
    definition = revision.definition
    endpoint = definition.endpoint.to_json() | {"headers": {}}  # they may hold credentials
    return {
        "id": revision.id,
        "project_id": project_id,
        "trigger_id": trigger_id,
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
        "catch_up_grace_seconds": definition.catch_up_grace_seconds,
        "created_by": revision.created_by,
        "created_at": revision.created_at,
        **sealed_values(revision, trigger_id, vault),
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
        catch_up_grace_seconds=row.catch_up_grace_seconds,
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
