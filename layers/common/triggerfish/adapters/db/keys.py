"""Projects and their API keys."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from triggerfish.adapters.db.engine import Database, fetch
from triggerfish.domain.access import SCOPES, StoredKey, hash_secret, key_prefix

FIND = text("""
    SELECT id, project_id, key_hash, scopes, expires_at, revoked_at
      FROM api_keys
     WHERE prefix = :prefix
""")

# Several hosts may start at once. The number is arbitrary but fixed.
LOCK = text("SELECT pg_advisory_xact_lock(7160117)")

ENSURE_PROJECT = text("""
    INSERT INTO projects (id, name, created_at)
    SELECT :id, :name, :now
     WHERE NOT EXISTS (SELECT FROM projects WHERE name = :name)
""")

ENSURE_KEY = text("""
    INSERT INTO api_keys (id, project_id, name, prefix, key_hash, scopes, created_at)
    SELECT :id, p.id, 'bootstrap', :prefix, :key_hash, :scopes, :now
      FROM projects p
     WHERE p.name = :project
    ON CONFLICT (prefix) DO UPDATE SET key_hash = excluded.key_hash, scopes = excluded.scopes
""")


class Keys:
    """Reads and writes of `projects` and `api_keys`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, prefix: str) -> StoredKey | None:
        rows = await self._database.run(FIND, prefix=prefix)
        if not rows:
            return None
        row = rows[0]
        return StoredKey(
            row.id,
            row.project_id,
            row.key_hash,
            frozenset(row.scopes),
            row.expires_at,
            row.revoked_at,
        )

    async def ensure_bootstrap(
        self, key: str, *, project: str, project_id: UUID, key_id: UUID, now: datetime
    ) -> None:
        """Make sure the first project and its admin key exist; safe to repeat, and at once."""
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
            await fetch(connection, ENSURE_KEY, first_key)
