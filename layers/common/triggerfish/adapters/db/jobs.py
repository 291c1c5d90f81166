"""Import jobs as their projects know them: uploaded, listed, deleted, and never forgotten.

What a worker writes while it processes one is in `job_progress.py`.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

from triggerfish.adapters.db.engine import Database
from triggerfish.adapters.db.tables.jobs import FINAL
from triggerfish.adapters.db.values import keyset, uuid_array
from triggerfish.domain.job import (
    RESEND_AFTER,
    UNSENT_GRACE,
    UPLOAD_LIMIT,
    Job,
    JobStatus,
)
from triggerfish.domain.page import Place

COLUMNS = """
    id, project_id, file_name, size, sha256, status, error, created_at, started_at, completed_at,
    accepted, rejected, percent, on_complete, on_complete_event_id, on_complete_error
"""
SHOWN = "status IN ('queued', 'processing', 'completed', 'failed')"
CHANNEL = "triggerfish_jobs"
"""Of NOTIFY; the payload is the id of a job that has changed."""
NOTIFY = f"pg_notify('{CHANNEL}', CAST(id AS text))"

INSERT = text("""
    INSERT INTO jobs (id, project_id, file_name, on_complete, status, created_at, resend_at)
    SELECT :id, :project_id, :file_name, :on_complete, 'uploading', :now, :resend_at
     WHERE (SELECT count(*) FROM jobs WHERE project_id = :project_id AND status <> 'deleting')
           < :imports_per_project
    RETURNING id
""")

# None when the sweep took the upload for dead.
QUEUE = text(f"""
    UPDATE jobs
       SET status = 'queued', size = :size, sha256 = :sha256, resend_at = :resend_at
     WHERE id = :id AND status = 'uploading'
    RETURNING {COLUMNS}
""")

ABANDON = text("""
    UPDATE jobs SET status = 'deleting', resend_at = :resend_at
     WHERE id = :id AND status = 'uploading'
""")

GET = text(f"SELECT {COLUMNS} FROM jobs WHERE project_id = :project_id AND id = :id AND {SHOWN}")

LIST = text(f"""
    SELECT {COLUMNS}
      FROM jobs
     WHERE project_id = :project_id AND {SHOWN}
       AND (CAST(:status AS text) IS NULL OR status = :status)
       AND (CAST(:before_at AS timestamptz) IS NULL
            OR (created_at, id) < (:before_at, CAST(:before_id AS uuid)))
     ORDER BY created_at DESC, id DESC
     LIMIT :limit
""")

HIDE = text(f"""
    UPDATE jobs
       SET status = 'deleting', completed_at = NULL, lease_id = NULL, lease_until = NULL,
           resend_at = :resend_at
     WHERE project_id = :project_id AND id = :id AND {SHOWN}
    RETURNING id, {NOTIFY}
""")

DELETE_ENTRIES = text("""
    DELETE FROM log_entries
     WHERE job_id = :id AND line_no IN (
        SELECT line_no FROM log_entries WHERE job_id = :id ORDER BY line_no LIMIT :limit)
    RETURNING line_no
""")

DELETE_ERRORS = text("DELETE FROM job_errors WHERE job_id = :id")

DELETE = text("DELETE FROM jobs WHERE id = :id AND status = 'deleting'")

# A job whose worker died waits again, an ended one has a trigger still to fire, and an upload that
# never ended is deleted like any other job.
TAKE_UP = text(f"""
    WITH late AS (
        SELECT id FROM jobs WHERE resend_at <= :now ORDER BY resend_at LIMIT :limit
           FOR UPDATE SKIP LOCKED)
    UPDATE jobs j
       SET status = CASE WHEN j.status IN ('uploading', 'deleting') THEN 'deleting'
                         WHEN j.status IN ('completed', 'failed') THEN j.status
                         ELSE 'queued' END,
           lease_id = NULL, lease_until = NULL, resend_at = :resend_at
      FROM late
     WHERE j.id = late.id
    RETURNING j.id, j.status, pg_notify('{CHANNEL}', CAST(j.id AS text))
""")

# From then on they are deleted as if their owner had said so: rows, entries and object.
EXPIRE = text(f"""
    UPDATE jobs SET status = 'deleting', completed_at = NULL, resend_at = :now
     WHERE id IN (
        SELECT id FROM jobs
         WHERE {FINAL} AND resend_at IS NULL AND completed_at <= :completed_until
         ORDER BY completed_at LIMIT :limit
           FOR UPDATE SKIP LOCKED)
    RETURNING id, {NOTIFY}
""")

UNFIRED = text(f"""
    SELECT {COLUMNS} FROM jobs
     WHERE id = :id AND {FINAL} AND on_complete IS NOT NULL AND resend_at IS NOT NULL
""")

RECORD_FIRED = text(f"""
    UPDATE jobs
       SET on_complete_event_id = :event_id, on_complete_error = :error, resend_at = NULL
     WHERE id = :id AND {FINAL} AND resend_at IS NOT NULL
""")

MARK_ENQUEUED = text("""
    UPDATE jobs SET resend_at = greatest(resend_at, :until)
     WHERE id = ANY(CAST(:ids AS uuid[])) AND status = 'queued'
""")


class Jobs:
    """Reads and writes of `jobs`, and the end of all that belongs to one."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin_upload(
        self,
        job_id: UUID,
        project_id: UUID,
        file_name: str,
        *,
        on_complete: UUID | None = None,
        imports_per_project: int,
        now: datetime,
    ) -> bool:
        """Note a job before its object is written, so that whatever happens is cleaned up.

        False, and nothing is noted, when the project has as many imports as it may.
        """
        rows = await self._database.run(
            INSERT,
            id=job_id,
            project_id=project_id,
            file_name=file_name,
            on_complete=on_complete,
            imports_per_project=imports_per_project,
            now=now,
            resend_at=now + UPLOAD_LIMIT,
        )
        return bool(rows)

    async def queue(self, job_id: UUID, *, size: int, sha256: str, now: datetime) -> Job | None:
        """The job, whose object is whole now; None when the upload took too long."""
        rows = await self._database.run(
            QUEUE, id=job_id, size=size, sha256=sha256, resend_at=now + UNSENT_GRACE
        )
        return to_job(rows[0]) if rows else None

    async def abandon(self, job_id: UUID, *, now: datetime) -> None:
        """Begin to delete an upload that came to nothing; its object may be there or not."""
        await self._database.run(ABANDON, id=job_id, resend_at=now + UNSENT_GRACE)

    async def get(self, project_id: UUID, job_id: UUID) -> Job | None:
        rows = await self._database.run(GET, project_id=project_id, id=job_id)
        return to_job(rows[0]) if rows else None

    async def page(
        self, project_id: UUID, *, status: str | None, before: Place | None, limit: int
    ) -> list[Job]:
        """Newest first, strictly older than `before` (a creation time and id)."""
        rows = await self._database.run(
            LIST, project_id=project_id, status=status, **keyset(before, limit)
        )
        return [to_job(row) for row in rows]

    async def hide(self, project_id: UUID, job_id: UUID, *, now: datetime) -> bool:
        """Begin to delete a job: nobody sees it from now on, and no worker writes to it."""
        rows = await self._database.run(
            HIDE, project_id=project_id, id=job_id, resend_at=now + RESEND_AFTER
        )
        return bool(rows)

    async def delete_entries(self, job_id: UUID, *, limit: int) -> int:
        """Delete up to `limit` log entries of a job; how many there were."""
        return len(await self._database.run(DELETE_ENTRIES, id=job_id, limit=limit))

    async def delete(self, job_id: UUID) -> None:
        """Delete a hidden or abandoned job whose object and entries are gone."""
        await self._database.run(DELETE_ERRORS, id=job_id)
        await self._database.run(DELETE, id=job_id)

    async def unfired(self, job_id: UUID) -> Job | None:
        """An ended job whose trigger is still to be fired."""
        rows = await self._database.run(UNFIRED, id=job_id)
        return to_job(rows[0]) if rows else None

    async def record_fired(
        self, job_id: UUID, *, event_id: UUID | None = None, error: str | None = None
    ) -> None:
        """Note what firing a job's trigger came to."""
        await self._database.run(RECORD_FIRED, id=job_id, event_id=event_id, error=error)

    async def take_up(self, *, now: datetime, limit: int) -> dict[JobStatus, list[UUID]]:
        """What nobody has looked after in time, by the status it has now."""
        rows = await self._database.run(TAKE_UP, now=now, limit=limit, resend_at=now + RESEND_AFTER)
        found: dict[JobStatus, list[UUID]] = {}
        for row in rows:
            found.setdefault(JobStatus(row.status), []).append(row.id)
        return found

    async def expire(self, *, completed_until: datetime, now: datetime, limit: int) -> int:
        """Begin to delete imports that ended by then, the oldest first; how many."""
        rows = await self._database.run(
            EXPIRE, completed_until=completed_until, now=now, limit=limit
        )
        return len(rows)

    async def mark_enqueued(self, ids: Sequence[UUID], *, now: datetime) -> None:
        """Note that messages are on their way."""
        await self._database.run(MARK_ENQUEUED, ids=uuid_array(ids), until=now + RESEND_AFTER)


def to_job(row: Row[Any]) -> Job:
    values = dict(row._mapping)
    return Job(**values | {"status": JobStatus(row.status)})
