"""A job under way: claimed with a lease, advanced batch by batch, and ended, each in one commit.

The checkpoint is written with the lines it counts, and only by who holds the lease. So a worker
that dies, or comes too late, has written all of a batch or nothing of it.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text

from triggerfish.adapters.db.engine import Database, copy_rows, fetch
from triggerfish.adapters.db.jobs import NOTIFY
from triggerfish.adapters.db.values import to_json
from triggerfish.domain.job import (
    LEASE,
    UNSENT_GRACE,
    Batch,
    ClaimedJob,
    JobStatus,
    percent,
)
from triggerfish.domain.log_entry import attributes_text

CLAIM = text(f"""
    UPDATE jobs
       SET status = 'processing', error = NULL, started_at = coalesce(started_at, :now),
           lease_id = :lease_id, lease_until = :until, resend_at = :until, stalls = stalls + 1
     WHERE id = :id AND (status = 'queued' OR (status = 'processing' AND lease_until <= :now))
    RETURNING id, lease_id, size, next_line, next_offset, accepted, rejected, stalls, {NOTIFY}
""")

HELD = "id = :id AND lease_id = :lease_id"

ADVANCE = text(f"""
    UPDATE jobs
       SET next_line = :next_line, next_offset = :next_offset, accepted = :accepted,
           rejected = :rejected, percent = :percent, stalls = 0,
           lease_until = :until, resend_at = :until
     WHERE {HELD}
    RETURNING {NOTIFY}
""")

COPY_ENTRIES = """
    COPY log_entries (job_id, line_no, timestamp, level, service, message, attributes) FROM STDIN
"""

INSERT_ERRORS = text("""
    INSERT INTO job_errors (job_id, line_no, reason)
    SELECT :id, line_no, reason
      FROM json_to_recordset(CAST(:errors AS json)) AS e (line_no bigint, reason text)
""")

END = text(f"""
    UPDATE jobs
       SET status = :status, error = :error, completed_at = :now,
           percent = CASE WHEN :status = 'completed' THEN 100 ELSE percent END,
           lease_id = NULL, lease_until = NULL,
           resend_at = CASE WHEN on_complete IS NOT NULL THEN CAST(:fire_at AS timestamptz) END
     WHERE {HELD}
    RETURNING {NOTIFY}
""")

GIVE_BACK = text(f"""
    UPDATE jobs
       SET status = 'queued', error = :reason, lease_id = NULL, lease_until = NULL, stalls = 0,
           resend_at = :resend_at
     WHERE {HELD}
    RETURNING {NOTIFY}
""")


class JobProgress:
    """Writes of the worker that holds a job's lease; False when it does so no longer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, job_id: UUID, *, lease_id: UUID, now: datetime) -> ClaimedJob | None:
        """Lease a job that waits or whose worker died; None when there is nothing to do."""
        rows = await self._database.run(
            CLAIM, id=job_id, lease_id=lease_id, now=now, until=now + LEASE
        )
        if not rows:
            return None
        values = dict(rows[0]._mapping)
        values.pop("pg_notify")
        return ClaimedJob(**values)

    async def advance(self, job: ClaimedJob, batch: Batch, *, now: datetime) -> bool:
        """Store a batch and move the checkpoint behind it, both or neither."""
        values = {
            "id": job.id,
            "lease_id": job.lease_id,
            "next_line": batch.next_line,
            "next_offset": batch.next_offset,
            "accepted": batch.accepted,
            "rejected": batch.rejected,
            "percent": percent(batch.next_offset, job.size),
            "until": now + LEASE,
        }
        async with self._database.transaction() as connection:
            if not await fetch(connection, ADVANCE, values):
                return False
            if batch.errors:
                errors = [{"line_no": one.line_no, "reason": one.reason} for one in batch.errors]
                await fetch(connection, INSERT_ERRORS, {"id": job.id, "errors": to_json(errors)})
            await copy_rows(connection, COPY_ENTRIES, _rows(job.id, batch))
        return True

    async def end(
        self, job: ClaimedJob, status: JobStatus, *, error: str | None = None, now: datetime
    ) -> bool:
        rows = await self._database.run(
            END,
            id=job.id,
            lease_id=job.lease_id,
            status=status.value,
            error=error,
            now=now,
            fire_at=now + UNSENT_GRACE,
        )
        return bool(rows)

    async def give_back(
        self,
        job: ClaimedJob,
        *,
        now: datetime,
        reason: str | None = None,
        again_after: timedelta = UNSENT_GRACE,
    ) -> bool:
        """Let the job wait for another turn, which the sweep sees to if no message does."""
        rows = await self._database.run(
            GIVE_BACK,
            id=job.id,
            lease_id=job.lease_id,
            reason=reason,
            resend_at=now + again_after,
        )
        return bool(rows)


def _rows(job_id: UUID, batch: Batch) -> Iterator[tuple[object, ...]]:
    for line in batch.entries:
        entry = line.entry
        yield (
            job_id,
            line.line_no,
            entry.timestamp,
            entry.level,
            entry.service,
            entry.message,
            attributes_text(entry),
        )
