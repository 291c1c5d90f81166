"""One import as its owner sees it, and stores that break in the middle of a file."""

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any
from uuid import UUID

from tests import functions
from triggerfish.domain.access import Principal
from triggerfish.domain.errors import NotFound
from triggerfish.domain.job import (
    Job,
    LineFilter,
)
from triggerfish.domain.log_entry import LogRow
from triggerfish.ports import ObjectStore
from triggerfish.usecases.manage_jobs import get_job
from triggerfish.usecases.upload_file import upload_file
from triggerfish.wiring import Wiring


class Import:
    """One uploaded file, and what became of it."""

    def __init__(self, parts: Wiring, caller: Principal, job_id: UUID) -> None:
        self.parts, self.caller, self.id = parts, caller, job_id

    async def work(self) -> None:
        await functions.work_imports(self.parts.settings.imports_queue_url)

    async def job(self) -> Job:
        return await get_job(self.id, self.caller, self.parts.manage_jobs)

    async def reasons(self) -> dict[int, str]:
        errors = await self.parts.manage_jobs.lines.errors(self.id, after=0, limit=9999)
        return {error.line_no: error.reason for error in errors}

    async def entries(self) -> list[LogRow]:
        """What is kept of it: nothing once it is deleted."""
        try:
            job = await self.job()
        except NotFound:
            return []
        lines = self.parts.manage_jobs.lines
        found = await lines.page(job, LineFilter(), after=0, limit=99_999)
        return found.rows


async def an_import(parts: Wiring, caller: Principal, content: bytes) -> Import:
    async def chunks() -> AsyncIterator[bytes]:
        yield content

    job = await upload_file("app.jsonl", chunks(), caller, parts.upload_file)
    return Import(parts, caller, job.id)


def counts(job: Job) -> tuple[str, int, int, int]:
    return job.status.value, job.accepted, job.rejected, job.percent


class BrokenStore:
    """A store whose objects break off after some bytes, as long as it is broken."""

    def __init__(self, store: ObjectStore, after: int, error: BaseException) -> None:
        self._store, self._after, self._error = store, after, error
        self.broken = True

    async def read(self, key: str, *, offset: int = 0) -> AsyncGenerator[bytes, None]:
        left = self._after
        async for chunk in self._store.read(key, offset=offset):
            if not self.broken:
                yield chunk
            elif left:
                yield chunk[:left]
                left = 0
            else:
                break
        if self.broken:
            raise self._error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def break_store(parts: Wiring, after: int, error: BaseException) -> BrokenStore:
    broken = BrokenStore(parts.object_store, after, error)
    parts.__dict__["object_store"] = broken
    parts.__dict__.pop("process_log_file", None)
    return broken


class Killed(BaseException):
    """What ends a worker in the middle of things."""
