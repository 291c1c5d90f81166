"""API keys: found by prefix, listed by project, rotated and revoked under the project's lock."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

from triggerfish.adapters.db.engine import Database, fetch
from triggerfish.adapters.db.values import keyset
from triggerfish.domain.access import ADMIN_SCOPES, SCOPES, StoredKey, hash_secret, key_prefix
from triggerfish.domain.api_key import ApiKey
from triggerfish.domain.errors import Conflict
from triggerfish.domain.page import Place

COLUMNS = """
    id, project_id, name, prefix, scopes, created_at, expires_at, revoked_at, last_used_at,
    replaced_by
"""

FIND = text("""
    SELECT prefix, id, project_id, key_hash, scopes, expires_at, revoked_at, last_used_at
      FROM api_keys
     WHERE prefix = ANY(:prefixes)
""")

TOUCH = text("""
    UPDATE api_keys SET last_used_at = :now
     WHERE id = :id AND (last_used_at IS NULL OR last_used_at <= :unless_since)
""")

INSERT = text("""
    INSERT INTO api_keys (id, project_id, name, prefix, key_hash, scopes, created_at, expires_at)
    VALUES (:id, :project_id, :name, :prefix, :key_hash, :scopes, :created_at, :expires_at)
""")

GET = text(f"""
    SELECT {COLUMNS} FROM api_keys WHERE project_id = :project_id AND id = :id
""")

LIST = text(f"""
    SELECT {COLUMNS}
      FROM api_keys
     WHERE project_id = :project_id
       AND (CAST(:before_at AS timestamptz) IS NULL
            OR (created_at, id) < (:before_at, CAST(:before_id AS uuid)))
     ORDER BY created_at DESC, id DESC
     LIMIT :limit
""")

# Of two keys that revoke each other at once, the second must see what the first has done.
LOCK_PROJECT = text("SELECT FROM projects WHERE id = :project_id FOR NO KEY UPDATE")

REPLACE = text(f"""
    UPDATE api_keys
       SET replaced_by = :replaced_by, expires_at = LEAST(expires_at, :until)
     WHERE project_id = :project_id AND id = :id
       AND revoked_at IS NULL AND replaced_by IS NULL
    RETURNING {COLUMNS}
""")

# A key that administers goes only if another one stays: in use, and with no successor that it is
# about to leave the field to.
REVOKE = text(f"""
    UPDATE api_keys k
       SET revoked_at = COALESCE(k.revoked_at, :now)
     WHERE k.project_id = :project_id AND k.id = :id
       AND (k.revoked_at IS NOT NULL OR k.replaced_by IS NOT NULL OR k.expires_at <= :now
            OR NOT EXISTS (
                SELECT FROM unnest(CAST(:admin_scopes AS text[])) AS needed (scope)
                 WHERE needed.scope = ANY(k.scopes)
                   AND NOT EXISTS (
                       SELECT FROM api_keys other
                        WHERE other.project_id = k.project_id AND other.id <> k.id
                          AND needed.scope = ANY(other.scopes)
                          AND other.revoked_at IS NULL AND other.replaced_by IS NULL
                          AND (other.expires_at IS NULL OR other.expires_at > :now))))
    RETURNING {COLUMNS}
""")

# Several hosts may start at once. The number is arbitrary but fixed.
LOCK = text("SELECT pg_advisory_xact_lock(7160117)")

ENSURE_PROJECT = text("""
    INSERT INTO projects (id, name, created_at)
    SELECT :id, :name, :now
     WHERE NOT EXISTS (SELECT FROM projects WHERE name = :name)
""")

# A key that was revoked or rotated stays so: whoever did it meant it.
ENSURE_KEY = text("""
    INSERT INTO api_keys (id, project_id, name, prefix, key_hash, scopes, created_at)
    SELECT :id, p.id, 'bootstrap', :prefix, :key_hash, :scopes, :now
      FROM projects p
     WHERE p.name = :project
    ON CONFLICT (prefix) DO UPDATE SET scopes = excluded.scopes
     WHERE api_keys.key_hash = excluded.key_hash AND api_keys.project_id = excluded.project_id
    RETURNING id
""")


class Keys:
    """Reads and writes of `api_keys`, and the first row of `projects`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, prefixes: Sequence[str]) -> dict[str, StoredKey]:
        """The keys of these prefixes, of whichever project: this is what says who calls."""
        return {
            row.prefix: StoredKey(
                row.id,
                row.project_id,
                row.key_hash,
                frozenset(row.scopes),
                row.expires_at,
                row.revoked_at,
                row.last_used_at,
            )
            for row in await self._database.run(FIND, prefixes=list(prefixes))
        }

    async def touch(self, key_id: UUID, *, now: datetime, unless_since: datetime) -> None:
        """Note a use, unless another process noted one after `unless_since`."""
        await self._database.run(TOUCH, id=key_id, now=now, unless_since=unless_since)

    async def insert(self, key: ApiKey, *, key_hash: bytes) -> None:
        await self._database.run(INSERT, **insert_values(key, key_hash))

    async def get(self, project_id: UUID, key_id: UUID) -> ApiKey | None:
        rows = await self._database.run(GET, project_id=project_id, id=key_id)
        return _key(rows[0]) if rows else None

    async def page(self, project_id: UUID, *, before: Place | None, limit: int) -> list[ApiKey]:
        """Newest first, strictly older than `before` (a creation time and id)."""
        rows = await self._database.run(LIST, project_id=project_id, **keyset(before, limit))
        return [_key(row) for row in rows]

    async def rotate(
        self, old: ApiKey, new: ApiKey, *, key_hash: bytes, until: datetime
    ) -> ApiKey | None:
        """Store `new` and let `old` end at `until` at the latest; the old key as it is then.

        None, and nothing is stored, when `old` was revoked or rotated meanwhile.
        """
        end = {
            "project_id": old.project_id,
            "id": old.id,
            "replaced_by": new.id,
            "until": until,
        }
        async with self._database.transaction() as connection:
            await fetch(connection, LOCK_PROJECT, {"project_id": old.project_id})
            replaced = await fetch(connection, REPLACE, end)
            if not replaced:
                return None
            await fetch(connection, INSERT, insert_values(new, key_hash))
            return _key(replaced[0])

    async def revoke(self, project_id: UUID, key_id: UUID, *, now: datetime) -> ApiKey | None:
        """The key as it is then; None, and nothing changes, for the last one that administers."""
        async with self._database.transaction() as connection:
            await fetch(connection, LOCK_PROJECT, {"project_id": project_id})
            key = {"project_id": project_id, "id": key_id, "now": now}
            revoked = await fetch(connection, REVOKE, key | {"admin_scopes": list(ADMIN_SCOPES)})
            return _key(revoked[0]) if revoked else None

    async def ensure_bootstrap(
        self, key: str, *, project: str, project_id: UUID, key_id: UUID, now: datetime
    ) -> None:
        """Make sure the first project and its admin key exist; safe to repeat, and at once.

        Raises Conflict for a key that belongs to another project: it would gain the platform.
        """
        first_project = {"id": project_id, "name": project, "now": now}
        first_key = {
            "id": key_id,
            "project": project,
            "prefix": key_prefix(key),
            "key_hash": hash_secret(key),
            "scopes": list(SCOPES),
            "now": now,
        }
        async with self._database.transaction() as connection:
            await fetch(connection, LOCK, {})
            await fetch(connection, ENSURE_PROJECT, first_project)
            if not await fetch(connection, ENSURE_KEY, first_key):
                raise Conflict("The bootstrap key is a key of another project.")


def insert_values(key: ApiKey, key_hash: bytes) -> dict[str, Any]:
    """What INSERT binds."""
    return {
        "id": key.id,
        "project_id": key.project_id,
        "name": key.name,
        "prefix": key.prefix,
        "key_hash": key_hash,
        "scopes": list(key.scopes),
        "created_at": key.created_at,
        "expires_at": key.expires_at,
    }


def _key(row: Row[Any]) -> ApiKey:
    return ApiKey(**dict(row._mapping) | {"scopes": tuple(row.scopes)})
