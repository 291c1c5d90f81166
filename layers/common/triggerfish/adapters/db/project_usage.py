"""What each project has added, by the hour: written by every process now and then."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from triggerfish.adapters.db.engine import Database
from triggerfish.adapters.db.values import to_json, uuid_array
from triggerfish.domain.quota import Usage

ADD = text("""
    INSERT INTO project_usage AS u (project_id, hour, events, size)
    SELECT n.project_id, :hour, n.events, n.size
      FROM json_to_recordset(CAST(:added AS json))
        AS n (project_id uuid, events bigint, size bigint)
     ORDER BY n.project_id
    ON CONFLICT (project_id, hour) DO UPDATE
       SET events = u.events + excluded.events, size = u.size + excluded.size
""")

FORGET = text("DELETE FROM project_usage WHERE hour < :kept_from")

SUMS = text("""
    SELECT project_id, CAST(sum(events) AS bigint) AS events, CAST(sum(size) AS bigint) AS size
      FROM project_usage
     WHERE project_id = ANY(CAST(:ids AS uuid[])) AND hour >= :kept_from
     GROUP BY project_id
""")


class ProjectUsage:
    """Reads and writes of `project_usage`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, added: Mapping[UUID, Usage], *, hour: datetime) -> None:
        rows = [
            {"project_id": id, "events": usage.events, "size": usage.size}
            for id, usage in added.items()
        ]
        await self._database.run(ADD, added=to_json(rows), hour=hour)

    async def sums(self, ids: list[UUID], *, kept_from: datetime) -> dict[UUID, Usage]:
        """What the projects have added since; what is older is forgotten."""
        await self._database.run(FORGET, kept_from=kept_from)
        rows = await self._database.run(SUMS, ids=uuid_array(ids), kept_from=kept_from)
        return {row.project_id: Usage(row.events, row.size) for row in rows}
