"""What operators look at: heartbeats of the background functions, and counts of open work."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Row, TextClause, text

from triggerfish.adapters.db.delivery_stats import FINISHED, TOTALS, outcome_totals
from triggerfish.adapters.db.engine import Database
from triggerfish.adapters.db.event_logs import ACTIVE, ARCHIVE
from triggerfish.domain.observation import (
    Backlog,
    FinishedCount,
    Heartbeat,
    OpenCount,
    OutcomeTotals,
)

BEAT = text("""
    INSERT INTO heartbeats AS h (name, last_run_at, duration_ms, counts, totals)
    VALUES (:name, :now, :duration_ms, CAST(:counts AS jsonb), CAST(:counts AS jsonb))
    ON CONFLICT (name) DO UPDATE
       SET last_run_at = greatest(h.last_run_at, excluded.last_run_at),
           duration_ms = excluded.duration_ms,
           counts = excluded.counts,
           totals = h.totals || coalesce(
               (SELECT jsonb_object_agg(key, coalesce(CAST(h.totals ->> key AS bigint), 0)
                                             + CAST(value AS bigint))
                  FROM jsonb_each_text(excluded.counts)), '{}')
""")

HEARTBEATS = text("SELECT name, last_run_at, duration_ms, counts, totals FROM heartbeats")


def backlog(condition: str = "") -> TextClause:
    """Open events are few beside finished ones and have an index of their own."""
    parts = " UNION ALL ".join(
        f"""SELECT status, source, fired_at, next_attempt_at FROM {table}
             WHERE status {statuses} {condition}"""
        for table in (ACTIVE, ARCHIVE)
        for statuses in ("IN ('pending', 'delivering')", "= 'held'")  # an index for each
    )
    return text(f"""
        SELECT status, source,
               CASE WHEN fired_at > :active_from THEN 'active' ELSE 'archived' END AS state,
               count(*) AS total,
               min(next_attempt_at) FILTER (WHERE status = 'pending' AND next_attempt_at <= :now)
                   AS oldest_due_at
          FROM ({parts}) AS open
         GROUP BY 1, 2, 3
    """)


BACKLOG = backlog()

TRIGGERS = text("SELECT status, count(*) AS total FROM triggers GROUP BY status")

COUNT_EXPIRED = text("""
    SELECT (SELECT count(*) FROM event_logs_active WHERE fired_at <= :fired_until)
         + (SELECT count(*) FROM event_logs_archive WHERE fired_at <= :fired_until) AS total
""")


class Observations:
    """Heartbeats and counts, cheap enough for a scrape every few seconds.

    The dearest is the reading of all statistics: 0.4 s when 100 triggers fire every minute.
    """

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
            row.name: Heartbeat(
                row.last_run_at, row.duration_ms, _counts(row.counts), _counts(row.totals)
            )
            for row in rows
        }

    async def backlog(self, *, active_from: datetime, now: datetime) -> Backlog:
        """Open events; those fired after `active_from` are active, the others archived."""
        return as_backlog(await self._database.run(BACKLOG, active_from=active_from, now=now))

    async def triggers_by_status(self) -> dict[str, int]:
        return {row.status: row.total for row in await self._database.run(TRIGGERS)}

    async def totals(self) -> list[OutcomeTotals]:
        """What was delivered since the beginning, by outcome."""
        return [outcome_totals(row) for row in await self._database.run(TOTALS)]

    async def finished(self, *, active_from: datetime, kept_from: datetime) -> list[FinishedCount]:
        """What became final since the beginning; states by the minutes after these instants."""
        rows = await self._database.run(FINISHED, active_from=active_from, kept_from=kept_from)
        return [FinishedCount(**row._mapping) for row in rows]

    async def count_expired(self, *, fired_until: datetime) -> int:
        """Rows past their end; zero right after retention ran."""
        rows = await self._database.run(COUNT_EXPIRED, fired_until=fired_until)
        return int(rows[0].total)


def as_backlog(rows: Sequence[Row[Any]]) -> Backlog:
    """The answer of a `backlog` statement."""
    counts = (OpenCount(row.status, row.source, row.state, row.total) for row in rows)
    overdue = [row.oldest_due_at for row in rows if row.oldest_due_at is not None]
    return Backlog(tuple(counts), min(overdue, default=None))


def _counts(raw: Any) -> dict[str, int]:
    return {str(name): int(count) for name, count in raw.items()}
