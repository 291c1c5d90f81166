"""The outbox of the catalogue: notifications are stored with their change, leased, told, swept."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from triggerfish.adapters.db.engine import Database, fetch
from triggerfish.adapters.db.values import uuid_array
from triggerfish.domain.catalogue_notification import (
    LEASE,
    RESEND_AFTER,
    UNSENT_GRACE,
    News,
    Notification,
)

INSERT = text("""
    INSERT INTO catalogue_notifications (id, event_id, news, title, created_at, resend_at)
    VALUES (:id, :event_id, :news, :title, :created_at, :resend_at)
""")

# A message that comes twice finds its row leased or told: this is what makes it once. It waits for
# a lock, which is soon gone, since a message that is skipped is gone as well.
CLAIM = text("""
    WITH free AS (
        SELECT id FROM catalogue_notifications
         WHERE id = ANY(CAST(:ids AS uuid[])) AND told_at IS NULL
           AND (lease_until IS NULL OR lease_until <= :now)
         ORDER BY id
           FOR UPDATE)
    UPDATE catalogue_notifications n
       SET attempt = n.attempt + 1, lease_until = :lease_until, resend_at = :lease_until
      FROM free
     WHERE n.id = free.id
    RETURNING n.id, n.event_id, n.news, n.title, n.created_at, n.attempt
""")

# By the attempt that was made: a lease that ran out meanwhile is another worker's.
RECORD_TOLD = text("""
    UPDATE catalogue_notifications
       SET told_at = :now, lease_until = NULL, resend_at = NULL
     WHERE id = :id AND attempt = :attempt AND told_at IS NULL
""")

PUT_OFF = text("""
    UPDATE catalogue_notifications
       SET lease_until = NULL, resend_at = :until
     WHERE id = :id AND attempt = :attempt AND told_at IS NULL
""")

FORGOTTEN = text("""
    SELECT id FROM catalogue_notifications
     WHERE resend_at <= :now
     ORDER BY resend_at
     LIMIT :limit
""")

# A row that is locked is being claimed: its message has arrived.
MARK_ENQUEUED = text("""
    WITH waiting AS (
        SELECT id FROM catalogue_notifications
         WHERE id = ANY(CAST(:ids AS uuid[])) AND told_at IS NULL AND lease_until IS NULL
           FOR UPDATE SKIP LOCKED)
    UPDATE catalogue_notifications n
       SET resend_at = greatest(n.resend_at, :until)
      FROM waiting
     WHERE n.id = waiting.id
""")


class CatalogueNotifications:
    """Reads and writes of `catalogue_notifications`, but for what is stored with a change."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, ids: Sequence[UUID], *, now: datetime) -> list[Notification]:
        """Lease those that are neither told nor leased."""
        rows = await self._database.run(
            CLAIM, ids=uuid_array(ids), now=now, lease_until=now + LEASE
        )
        return [
            Notification(
                row.id, row.event_id, News(row.news), row.title, row.created_at, row.attempt
            )
            for row in rows
        ]

    async def record_told(self, notification: Notification, *, now: datetime) -> None:
        attempt = {"id": notification.id, "attempt": notification.attempt}
        await self._database.run(RECORD_TOLD, **attempt, now=now)

    async def put_off(self, notification: Notification, *, until: datetime) -> None:
        """Free a notification that could not be told; the sweep takes it up at `until`."""
        attempt = {"id": notification.id, "attempt": notification.attempt}
        await self._database.run(PUT_OFF, **attempt, until=until)

    async def forgotten(self, *, now: datetime, limit: int) -> list[UUID]:
        """What waits without a message, the longest waiting first."""
        rows = await self._database.run(FORGOTTEN, now=now, limit=limit)
        return [row.id for row in rows]

    async def mark_enqueued(self, ids: Sequence[UUID], *, now: datetime) -> None:
        """Note that messages are on their way."""
        await self._database.run(MARK_ENQUEUED, ids=uuid_array(ids), until=now + RESEND_AFTER)


async def insert(connection: AsyncConnection, notification: Notification) -> None:
    """Store a notification in the transaction of its change."""
    values = {
        "id": notification.id,
        "event_id": notification.event_id,
        "news": notification.news.value,
        "title": notification.title,
        "created_at": notification.created_at,
        "resend_at": notification.created_at + UNSENT_GRACE,
    }
    await fetch(connection, INSERT, values)
