"""Bugs that somebody might make in imports, planted like those of `bugs.py`."""

from collections.abc import Callable
from typing import Any

import pytest

from triggerfish.adapters.db.job_progress import JobProgress
from triggerfish.adapters.db.jobs import Jobs
from triggerfish.domain.job import Batch
from triggerfish.usecases import manage_jobs

Plant = Callable[[pytest.MonkeyPatch], None]


def a_checkpoint_is_written_before_its_lines(patch: pytest.MonkeyPatch) -> None:
    """In a transaction of its own."""
    advance = JobProgress.advance

    async def in_two(self: Any, job: Any, batch: Batch, **options: Any) -> bool:
        ends = (batch.next_line, batch.next_offset, batch.accepted, batch.rejected)
        if not await advance(self, job, Batch(*ends), **options):
            return False
        return await advance(self, job, batch, **options)

    patch.setattr(JobProgress, "advance", in_two)


def the_sweep_finds_no_import(patch: pytest.MonkeyPatch) -> None:
    async def take_up(*_: object, **__: object) -> dict[Any, Any]:
        return {}

    patch.setattr(Jobs, "take_up", take_up)


def a_deleted_import_leaves_its_object(patch: pytest.MonkeyPatch) -> None:
    async def purge(job_id: Any, d: Any) -> None:
        await d.jobs.delete_entries(job_id, limit=100)
        await d.jobs.delete(job_id)

    patch.setattr(manage_jobs, "purge_job", purge)


IMPORT_BUGS: tuple[Plant, ...] = (
    a_checkpoint_is_written_before_its_lines,
    the_sweep_finds_no_import,
    a_deleted_import_leaves_its_object,
)
