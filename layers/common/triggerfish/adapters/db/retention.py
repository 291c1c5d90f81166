"""Retention: moves event logs into hourly archive partitions and really deletes what is expired."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from triggerfish.adapters.db.delivery_stats import NO_TRIGGER, ROLL_UP
from triggerfish.adapters.db.engine import Database, fetch
from triggerfish.adapters.db.tables.events import event_logs_active
from triggerfish.adapters.db.withdrawn_events import FORGET
from triggerfish.domain.retention import partition_hour

PARTITION_PREFIX = "event_logs_archive_"
PARTITION_TIME = "%Y%m%d%H"

COLUMNS = ", ".join(column.name for column in event_logs_active.columns)

HOURS_TO_MOVE = text("""
    SELECT DISTINCT date_trunc('hour', fired_at, 'UTC') AS hour
      FROM event_logs_active
     WHERE fired_at <= :fired_until
""")

PARTITIONS = text("""
    SELECT c.relname AS name
      FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
     WHERE i.inhparent = CAST('event_logs_archive' AS regclass)
     ORDER BY c.relname
""")

# One statement, so an event is never in two places and never in none.
# A row that a worker writes just now is skipped and moves with the next batch or run.
MOVE = text(f"""
    WITH old AS (
        SELECT id FROM event_logs_active
         WHERE fired_at <= :fired_until
         ORDER BY fired_at
         LIMIT :limit
           FOR UPDATE SKIP LOCKED),
    moved AS (
        DELETE FROM event_logs_active e USING old WHERE e.id = old.id RETURNING e.*)
    INSERT INTO event_logs_archive ({COLUMNS}) SELECT {COLUMNS} FROM moved
    RETURNING id
""")


def _delete(table: str) -> str:
    return f"""
        DELETE FROM {table}
         WHERE (id, fired_at) IN (
            SELECT id, fired_at FROM {table}
             WHERE fired_at <= :fired_until
             LIMIT :limit
               FOR UPDATE SKIP LOCKED)
        RETURNING id
    """


DELETE_EXPIRED = [text(_delete(table)) for table in ("event_logs_active", "event_logs_archive")]

# A deleted trigger's revisions are kept while any event may still refer to them.
DELETE_RETIRED_REVISIONS = text("""
    DELETE FROM trigger_revisions WHERE retired_at <= :retired_until RETURNING id
""")

DELETE_EXPIRED_KEYS = text("""
    DELETE FROM idempotency_keys
     WHERE (trigger_id, key) IN (
        SELECT trigger_id, key FROM idempotency_keys
         WHERE expires_at <= :now
         LIMIT :limit
           FOR UPDATE SKIP LOCKED)
    RETURNING key
""")

DELETE_EXPIRED_REQUESTS = text("""
    DELETE FROM idempotent_requests
     WHERE id IN (
        SELECT id FROM idempotent_requests
         WHERE expires_at <= :now
         LIMIT :limit
           FOR UPDATE SKIP LOCKED)
    RETURNING id
""")

DELETE_OPERATIONAL_EVENTS = text("DELETE FROM operational_events WHERE at <= :until")

COUNT_HOUR = text("""
    SELECT count(*) AS total FROM event_logs_archive
     WHERE fired_at >= :fired_from AND fired_at < :fired_before
""")

LOCK_TIMEOUT = text("SET LOCAL lock_timeout = '2s'")


class Retention:
    """The statements of the retention function, each bounded by a batch size."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def move(self, *, fired_until: datetime, limit: int) -> int:
        """Move the oldest active events into the archive; how many were moved."""
        return len(await self._database.run(MOVE, fired_until=fired_until, limit=limit))

    async def delete_expired(self, *, fired_until: datetime, limit: int) -> int:
        """Delete events past their end from wherever they are; how many were deleted."""
        deleted = 0
        for statement in DELETE_EXPIRED:
            rows = await self._database.run(statement, fired_until=fired_until, limit=limit)
            deleted += len(rows)
        return deleted

    async def make_partitions(self, *, fired_until: datetime) -> None:
        """Make the archive partitions that the next moves need."""
        hours = {
            row.hour for row in await self._database.run(HOURS_TO_MOVE, fired_until=fired_until)
        }
        existing = await self._partitions()
        for hour in sorted(hours - existing):
            await self._alter(
                f"CREATE TABLE IF NOT EXISTS {_name(hour)} PARTITION OF event_logs_archive"
                f" FOR VALUES FROM ('{hour.isoformat()}')"
                f" TO ('{(hour + timedelta(hours=1)).isoformat()}')"
            )

    async def drop_partitions(self, *, fired_until: datetime) -> tuple[int, int]:
        """Drop partitions that hold nothing newer than `fired_until`; how many, with what rows."""
        past = [
            hour for hour in await self._partitions() if hour + timedelta(hours=1) <= fired_until
        ]
        rows = 0
        for hour in sorted(past):
            rows += await self._count(hour)
            await self._alter(f"DROP TABLE IF EXISTS {_name(hour)}")
        return len(past), rows

    async def delete_retired_revisions(self, *, retired_until: datetime) -> int:
        rows = await self._database.run(DELETE_RETIRED_REVISIONS, retired_until=retired_until)
        return len(rows)

    async def delete_expired_keys(self, *, now: datetime, limit: int) -> int:
        """Delete idempotency keys past their time; the most that were deleted of either kind."""
        of_calls = await self._database.run(DELETE_EXPIRED_KEYS, now=now, limit=limit)
        of_requests = await self._database.run(DELETE_EXPIRED_REQUESTS, now=now, limit=limit)
        return max(len(of_calls), len(of_requests))

    async def forget_withdrawn(self, *, fired_until: datetime) -> None:
        await self._database.run(FORGET, fired_until=fired_until)

    async def delete_operational_events(self, *, until: datetime) -> None:
        await self._database.run(DELETE_OPERATIONAL_EVENTS, until=until)

    async def roll_up_statistics(self, *, until: datetime) -> None:
        """Fold statistics older than the logs into one total a project and outcome."""
        await self._database.run(ROLL_UP, until=partition_hour(until), no_trigger=NO_TRIGGER)

    async def _partitions(self) -> set[datetime]:
        rows = await self._database.run(PARTITIONS)
        return {_hour(row.name) for row in rows}

    async def _count(self, hour: datetime) -> int:
        rows = await self._database.run(
            COUNT_HOUR, fired_from=hour, fired_before=hour + timedelta(hours=1)
        )
        return int(rows[0].total)

    async def _alter(self, statement: str) -> None:
        # Waits for a table lock at most 2 s, so that a long reader never blocks everyone behind it.
        async with self._database.transaction() as connection:
            await fetch(connection, LOCK_TIMEOUT, {})
            await fetch(connection, text(statement), {})


def _name(hour: datetime) -> str:
    return PARTITION_PREFIX + hour.astimezone(UTC).strftime(PARTITION_TIME)


def _hour(name: str) -> datetime:
    return datetime.strptime(name.removeprefix(PARTITION_PREFIX), PARTITION_TIME).replace(
        tzinfo=UTC
    )
