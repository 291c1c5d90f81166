"""Events of the catalogue: changes stored with their notifications, pages with totals."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

from triggerfish.adapters.db import catalogue_notifications
from triggerfish.adapters.db.engine import Database, fetch
from triggerfish.adapters.db.searches import Searches
from triggerfish.domain.catalogue_event import CatalogueEvent, CatalogueStatus, fold
from triggerfish.domain.catalogue_list import EventFilter
from triggerfish.domain.catalogue_notification import Notification

COLUMNS = """
    id, title, start_at, end_at, location, status, internal_notes, created_by, updated_at, version
"""

INSERT = text("""
    INSERT INTO catalogue_events
           (id, title, start_at, end_at, location, location_folded, status, internal_notes,
            created_by, updated_at, version)
    VALUES (:id, :title, :start_at, :end_at, :location, :location_folded, :status, :internal_notes,
            :created_by, :updated_at, :version)
""")

GET = text(f"SELECT {COLUMNS} FROM catalogue_events WHERE id = :id")

# Compare-and-set: of two changes that saw the same version, the second finds none to change.
REPLACE = text("""
    UPDATE catalogue_events
       SET status = :status, internal_notes = :internal_notes, updated_at = :updated_at,
           version = :version
     WHERE id = :id AND version = CAST(:version AS int) - 1
    RETURNING id
""")

# Other statements are planned once (PLANNER); a search has filters that are open or not. Trigrams
# are read by bitmap scans only, and what is too short for them by reading the table.
PLAN_FOR_VALUES = text("SELECT set_config('plan_cache_mode', 'force_custom_plan', true)")
PLAN_FOR_PLACES = text("""
    SELECT set_config('plan_cache_mode', 'force_custom_plan', true),
           set_config('enable_bitmapscan', 'on', true),
           set_config('enable_seqscan', 'on', true)
""")

MATCHING = """
      FROM catalogue_events
     WHERE status = ANY(CAST(:statuses AS text[]))
       AND (CAST(:since AS timestamptz) IS NULL OR start_at >= :since)
       AND (CAST(:until AS timestamptz) IS NULL OR start_at < :until)
       AND (CAST(:places AS text[]) IS NULL OR location_folded LIKE ANY(CAST(:places AS text[])))
"""

COUNT = text(f"SELECT count(*) AS total {MATCHING}")

PAGE = text(f"""
    SELECT {COLUMNS} {MATCHING}
     ORDER BY start_at, id
     LIMIT :limit OFFSET :offset
""")


class CatalogueEvents:
    """Reads and writes of `catalogue_events`."""

    def __init__(self, database: Database, searches: Searches) -> None:
        self._database = database
        self._searches = searches

    async def get(self, event_id: UUID) -> CatalogueEvent | None:
        rows = await self._database.run(GET, id=event_id)
        return _event(rows[0]) if rows else None

    async def insert(self, event: CatalogueEvent, notification: Notification) -> None:
        """Store an event and its notification, both or neither."""
        async with self._database.transaction() as connection:
            await fetch(connection, INSERT, _values(event))
            await catalogue_notifications.insert(connection, notification)

    async def replace(self, event: CatalogueEvent, notification: Notification | None) -> bool:
        """Store a change and its notification; neither unless the stored version is the last."""
        values = {
            "id": event.id,
            "status": event.status.value,
            "internal_notes": event.internal_notes,
            "updated_at": event.updated_at,
            "version": event.version,
        }
        async with self._database.transaction() as connection:
            if not await fetch(connection, REPLACE, values):
                return False
            if notification:
                await catalogue_notifications.insert(connection, notification)
            return True

    async def page(
        self, wanted: EventFilter, *, owner: UUID | None, page: int, limit: int
    ) -> tuple[Sequence[CatalogueEvent], int]:
        """The events of a page and how many there are in all, as of one instant."""
        values: dict[str, Any] = {
            "statuses": [status.value for status in wanted.statuses],
            "since": wanted.since,
            "until": wanted.until,
            "places": None
            if wanted.places is None
            else [_contains(part) for part in wanted.places],
        }
        cut = {"limit": limit, "offset": (page - 1) * limit}
        async with self._searches.place(owner) as database, database.snapshot() as connection:
            await fetch(connection, PLAN_FOR_PLACES if wanted.places else PLAN_FOR_VALUES, {})
            [counted] = await fetch(connection, COUNT, values)
            rows = await fetch(connection, PAGE, values | cut)
        return [_event(row) for row in rows], counted.total


def _contains(part: str) -> str:
    """A LIKE pattern that takes its own signs for letters."""
    return "%" + part.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_") + "%"


def _values(event: CatalogueEvent) -> dict[str, Any]:
    return asdict(event) | {
        "location_folded": fold(event.location),
        "status": event.status.value,
    }


def _event(row: Row[Any]) -> CatalogueEvent:
    return CatalogueEvent(**dict(row._mapping) | {"status": CatalogueStatus(row.status)})
