"""What operators look at: heartbeats of the background functions, and counts of open work."""

from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import text

from triggerfish.adapters.db.delivery_stats import TOTALS, outcome_totals
from triggerfish.adapters.db.engine import Database
from triggerfish.domain.observation import Backlog, Heartbeat, OutcomeTotals

BEAT = text("""
    INSERT INTO heartbeats AS h (name, last_run_at, duration_ms, counts)
    VALUES (:name, :now, :duration_ms, CAST(:counts AS jsonb))
    ON CONFLICT (name) DO UPDATE
       SET last_run_at = greatest(h.last_run_at, excluded.last_run_at),
           duration_ms = excluded.duration_ms,
           counts = excluded.counts
""")

HEARTBEATS = text("SELECT name, last_run_at, duration_ms, counts FROM heartbeats")

# Open events are few beside finished ones and have an index of their own.
BACKLOG = text("""
    SELECT count(*) FILTER (WHERE status = 'pending') AS pending,
           count(*) FILTER (WHERE status = 'delivering') AS delivering,
           min(next_attempt_at) FILTER (WHERE status = 'pending' AND next_attempt_at <= :now)
               AS oldest_due_at
      FROM (SELECT status, next_attempt_at FROM event_logs_active
             WHERE status IN ('pending', 'delivering')
             UNION ALL
            SELECT status, next_attempt_at FROM event_logs_archive
             WHERE status IN ('pending', 'delivering')) AS open
""")

TRIGGERS = text("SELECT status, count(*) AS total FROM triggers GROUP BY status")

COUNT_EXPIRED = text("""
    SELECT (SELECT count(*) FROM event_logs_active WHERE fired_at <= :fired_until)
         + (SELECT count(*) FROM event_logs_archive WHERE fired_at <= :fired_until) AS total
""")


class Observations:
    """Heartbeats and counts; every query is cheap enough for a scrape every few seconds."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def beat(
        self, name: str, *, now: datetime, duration_ms: int, counts: dict[str, int]
    ) -> None:
        """Note that a background function has run; a run that ends out of order changes nothing."""
        await self._database.run(
            BEAT,
            name=name,
            now=now,
            duration_ms=duration_ms,
            counts=orjson.dumps(counts).decode(),
        )

    async def heartbeats(self) -> dict[str, Heartbeat]:
        rows = await self._database.run(HEARTBEATS)
        return {
            row.name: Heartbeat(row.last_run_at, row.duration_ms, _counts(row.counts))
            for row in rows
        }

    async def backlog(self, *, now: datetime) -> Backlog:
        row = (await self._database.run(BACKLOG, now=now))[0]
        return Backlog(row.pending, row.delivering, row.oldest_due_at)

    async def triggers_by_status(self) -> dict[str, int]:
        return {row.status: row.total for row in await self._database.run(TRIGGERS)}

    async def totals(self) -> list[OutcomeTotals]:
        """What was delivered since the beginning, by outcome."""
        return [outcome_totals(row) for row in await self._database.run(TOTALS)]

    async def count_expired(self, *, fired_until: datetime) -> int:
        """Rows past their end; zero right after retention ran."""
        rows = await self._database.run(COUNT_EXPIRED, fired_until=fired_until)
        return int(rows[0].total)


def _counts(raw: Any) -> dict[str, int]:
    return {str(name): int(count) for name, count in raw.items()}
