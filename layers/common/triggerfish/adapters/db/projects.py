"""Projects: created together with their first key, and listed."""

from sqlalchemy import text

from triggerfish.adapters.db import keys
from triggerfish.adapters.db.engine import Database, fetch
from triggerfish.adapters.db.values import keyset
from triggerfish.domain.api_key import ApiKey
from triggerfish.domain.page import Place
from triggerfish.domain.project import Project

INSERT = text("""
    INSERT INTO projects (id, name, created_at) VALUES (:id, :name, :created_at)
    ON CONFLICT (name) DO NOTHING
    RETURNING id
""")

FIND = text("SELECT id, name, created_at FROM projects WHERE name = :name")

LIST = text("""
    SELECT id, name, created_at
      FROM projects
     WHERE (CAST(:before_at AS timestamptz) IS NULL
            OR (created_at, id) < (:before_at, CAST(:before_id AS uuid)))
     ORDER BY created_at DESC, id DESC
     LIMIT :limit
""")


class Projects:
    """Reads and writes of `projects`: the only statements that are of no single project."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def insert(self, project: Project, key: ApiKey, *, key_hash: bytes) -> bool:
        """Store a project and its first key, both or neither; False when the name is taken."""
        values = {"id": project.id, "name": project.name, "created_at": project.created_at}
        async with self._database.transaction() as connection:
            if not await fetch(connection, INSERT, values):
                return False
            await fetch(connection, keys.INSERT, keys.insert_values(key, key_hash))
            return True

    async def find(self, name: str) -> Project | None:
        rows = await self._database.run(FIND, name=name)
        return Project(**rows[0]._mapping) if rows else None

    async def page(self, *, before: Place | None, limit: int) -> list[Project]:
        """Newest first, strictly older than `before` (a creation time and id)."""
        rows = await self._database.run(LIST, **keyset(before, limit))
        return [Project(row.id, row.name, row.created_at) for row in rows]
