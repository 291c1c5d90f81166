"""Imports in a simulated platform: what customers upload, and what must have become of it."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from tests.simulation.model import KEPT, Lost
from tests.simulation.platform import Platform
from tests.simulation.requests import Customer
from triggerfish.usecases.manage_jobs import delete_job
from triggerfish.usecases.upload_file import upload_file

SETTLING_SWEEPS = 30
GOOD = {"timestamp": "2026-03-02T12:00:00Z", "level": "info", "service": "s", "message": "m"}
JOBS = "SELECT * FROM jobs"
STORED = "SELECT line_no FROM log_entries WHERE job_id = %s ORDER BY line_no"
BAD = "SELECT line_no FROM job_errors WHERE job_id = %s ORDER BY line_no"
FIRED = """
    SELECT id FROM (
        SELECT id, source, payload FROM event_logs_active UNION ALL
        SELECT id, source, payload FROM event_logs_archive) e
     WHERE source = 'api' AND strpos(payload, %s) > 0
"""
UNDER_WAY = """
    SELECT id FROM jobs
     WHERE status IN ('queued', 'processing', 'deleting')
        OR (status IN ('completed', 'failed') AND resend_at IS NOT NULL)
"""


@dataclass(frozen=True)
class File:
    """A file by which lines of it are log entries."""

    good: tuple[bool, ...]

    @property
    def content(self) -> bytes:
        lines = [json.dumps({**GOOD, "n": n} if good else {}) for n, good in enumerate(self.good)]
        return "\n".join(lines).encode()

    def numbers(self, *, good: bool) -> list[int]:
        return [number for number, one in enumerate(self.good, 1) if one is good]


class Importer:
    """Uploads files and deletes imports as a customer; `check` says whether a line is lost."""

    def __init__(self, platform: Platform, customer: Customer) -> None:
        self._platform = platform
        self._customer = customer
        self._random = platform.world.random
        self._files: dict[str, File] = {}
        self._promised: set[UUID] = set()
        self._deleted: set[UUID] = set()

    async def upload(self) -> None:
        file = File(
            (True, *(self._random.random() < 0.8 for _ in range(self._random.randint(0, 9))))
        )
        name = f"{len(self._files)}.jsonl"
        self._files[name] = file
        hooks = sorted(self._customer.hooks)
        hook = self._random.choice([None, *hooks])
        job = await self._customer.request(
            f"uploads {len(file.good)} lines, {len(file.numbers(good=False))} bad",
            lambda parts: upload_file(
                name,
                _pieces(file.content),
                self._customer.caller,
                parts.upload_file,
                on_complete=hook,
            ),
        )
        if job is not None:
            self._promised.add(job.id)

    async def delete(self) -> None:
        left = sorted(self._promised - self._deleted)
        if not left:
            return
        id = self._random.choice(left)
        self._deleted.add(id)
        await self._customer.request(
            f"deletes import {id}",
            lambda parts: delete_job(id, self._customer.caller, parts.manage_jobs),
        )

    async def settle(self) -> None:
        """Wait until every import is done with; only the sweep knows of some."""
        for _ in range(SETTLING_SWEEPS):
            open_ones = self._platform.storage.execute(UNDER_WAY)
            if not open_ones:
                return
            await asyncio.sleep(20)
            await self._platform.sweep_imports_once()
        raise Lost(f"I10: the import {open_ones[0].id} never ends")

    def check(self) -> None:
        jobs = {job.id: job for job in self._platform.storage.execute(JOBS)}
        if lost := self._promised - self._deleted - jobs.keys():
            raise Lost(f"I10: the import {min(lost)} was accepted and is gone")
        if orphans := self._platform.objects.whole.keys() - {str(id) for id in jobs}:
            raise Lost(f"I10: the object {min(orphans)} belongs to no import")
        for id, job in jobs.items():
            if job.status == "completed":
                self._check_lines(id, self._files[job.file_name])
            elif id in self._promised - self._deleted:
                raise Lost(f"I10: the import {id} was accepted and is {job.status}: {job.error}")
            self._check_trigger(job)

    def _check_lines(self, id: UUID, file: File) -> None:
        for what, statement, good in (("stored", STORED, True), ("rejected", BAD, False)):
            found = [number for [number] in self._platform.storage.execute(statement, (id,))]
            if found != file.numbers(good=good):
                raise Lost(f"I10: of {id} the lines {found} are {what}, of {file.good}")

    def _check_trigger(self, job: Any) -> None:
        """Of an ended import that names a trigger there is one event, or a reason for none."""
        found = self._platform.storage.execute(FIRED, (str(job.id),))
        if len(found) > 1:
            raise Lost(f"I10: the end of {job.id} fired {len(found)} times")
        if job.status in ("completed", "failed") and job.on_complete is not None:
            if (job.on_complete_event_id is None) == (job.on_complete_error is None):
                raise Lost(f"I10: the end of {job.id} was neither told nor refused")
            if job.on_complete_event_id not in (None, *(event.id for event in found)):
                self._may_be_gone(job)

    def _may_be_gone(self, job: Any) -> None:
        if job.completed_at > self._platform.world.latest - KEPT:
            raise Lost(f"I10: the event of the end of {job.id} is not in the log")


async def _pieces(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), 300):
        yield content[start : start + 300]
