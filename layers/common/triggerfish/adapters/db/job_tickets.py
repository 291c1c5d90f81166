"""Tickets to watch one job once: what a browser has instead of a key, stored as its hash."""

import asyncio
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from triggerfish.adapters.db.engine import Database

INSERT = text("""
    INSERT INTO job_tickets (token_hash, project_id, job_id, expires_at)
    VALUES (:token_hash, :project_id, :job_id, :expires_at)
""")

# Of two that come with one ticket, one deletes it.
REDEEM = text("""
    DELETE FROM job_tickets
     WHERE token_hash = :token_hash AND job_id = :job_id AND expires_at > :now
    RETURNING project_id
""")

DELETE_EXPIRED = text("DELETE FROM job_tickets WHERE expires_at <= :now")


class JobTickets:
    """Reads and writes of `job_tickets`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # Whoever guesses tickets keeps one connection busy at most.
        self._one_at_a_time = asyncio.Lock()

    async def issue(
        self, token_hash: bytes, *, project_id: UUID, job_id: UUID, expires_at: datetime
    ) -> None:
        await self._database.run(
            INSERT,
            token_hash=token_hash,
            project_id=project_id,
            job_id=job_id,
            expires_at=expires_at,
        )

    async def redeem(self, token_hash: bytes, job_id: UUID, *, now: datetime) -> UUID | None:
        """The project that the ticket speaks for, this once; None when it does not, or no more."""
        async with self._one_at_a_time:
            rows = await self._database.run(REDEEM, token_hash=token_hash, job_id=job_id, now=now)
        return rows[0].project_id if rows else None

    async def delete_expired(self, *, now: datetime) -> None:
        await self._database.run(DELETE_EXPIRED, now=now)
