"""What Event Horizon is made of: files, jobs, and who watches them."""

from datetime import timedelta
from functools import cached_property
from pathlib import Path

from triggerfish.adapters.aws_clients import s3_client
from triggerfish.adapters.db.job_changes import JobChanges
from triggerfish.adapters.db.job_progress import JobProgress
from triggerfish.adapters.db.job_tickets import JobTickets
from triggerfish.adapters.db.jobs import Jobs
from triggerfish.adapters.db.log_entries import LogEntries
from triggerfish.adapters.id_queue_sqs import SqsIdQueue
from triggerfish.adapters.object_store_files import FileStore
from triggerfish.adapters.object_store_s3 import S3Store
from triggerfish.adapters.open_streams import OpenStreams, UnprovedSockets
from triggerfish.domain import job
from triggerfish.ports import ObjectStore
from triggerfish.usecases.fire_on_complete import FireOnCompleteDeps
from triggerfish.usecases.manage_jobs import ManageJobsDeps
from triggerfish.usecases.process_log_file import ProcessLogFileDeps
from triggerfish.usecases.sweep_jobs import SweepJobsDeps
from triggerfish.usecases.upload_file import UploadFileDeps
from triggerfish.usecases.watch_job import WatchJobDeps
from triggerfish.wiring.firing import FiringParts

UNPROVED_SOCKETS = 200
"""In one process; each has 5 s, unless that many come after it."""


class HorizonParts(FiringParts):
    """The parts of the functions that import log files."""

    @cached_property
    def jobs(self) -> Jobs:
        return Jobs(self.database)

    @cached_property
    def job_queue(self) -> SqsIdQueue:
        return SqsIdQueue(self.sqs, self.settings.imports_queue_url, job.message_body)

    @cached_property
    def object_store(self) -> ObjectStore:
        kind, _, place = self.settings.object_store.partition(":")
        if kind == "file":
            return FileStore(Path(place))
        return S3Store(s3_client(self.settings.s3_endpoint_url), place.removeprefix("//"))

    @cached_property
    def upload_file(self) -> UploadFileDeps:
        return UploadFileDeps(
            clock=self.clock,
            ids=self.ids,
            jobs=self.jobs,
            store=self.object_store,
            queue=self.job_queue,
            triggers=self.triggers,
            max_bytes=self.settings.horizon_max_upload_bytes,
            imports_per_project=self.settings.imports_per_project,
            room=self.room,
        )

    @cached_property
    def fire_on_complete(self) -> FireOnCompleteDeps:
        return FireOnCompleteDeps(jobs=self.jobs, triggers=self.triggers, fire=self.fire_webhook)

    @cached_property
    def process_log_file(self) -> ProcessLogFileDeps:
        return ProcessLogFileDeps(
            clock=self.clock,
            ids=self.ids,
            progress=JobProgress(self.database),
            jobs=self.jobs,
            store=self.object_store,
            queue=self.job_queue,
            completion=self.fire_on_complete,
            line_delay=timedelta(seconds=self.settings.horizon_line_delay_seconds),
        )

    @cached_property
    def manage_jobs(self) -> ManageJobsDeps:
        return ManageJobsDeps(
            clock=self.clock,
            jobs=self.jobs,
            lines=LogEntries(self.database, self.searches),
            store=self.object_store,
        )

    @cached_property
    def job_changes(self) -> JobChanges:
        return JobChanges(self.settings.database_url)

    @cached_property
    def job_streams(self) -> OpenStreams:
        settings = self.settings
        return OpenStreams(total=settings.open_streams, each=settings.open_streams_per_project)

    @cached_property
    def unproved_sockets(self) -> UnprovedSockets:
        return UnprovedSockets(UNPROVED_SOCKETS)

    @cached_property
    def job_tickets(self) -> JobTickets:
        return JobTickets(self.database)

    @cached_property
    def watch_job(self) -> WatchJobDeps:
        return WatchJobDeps(
            clock=self.clock,
            ids=self.ids,
            jobs=self.jobs,
            changes=self.job_changes,
            tickets=self.job_tickets,
            longest=timedelta(seconds=self.settings.horizon_watch_seconds),
        )

    @cached_property
    def sweep_jobs(self) -> SweepJobsDeps:
        return SweepJobsDeps(
            clock=self.clock,
            jobs=self.jobs,
            queue=self.job_queue,
            manage=self.manage_jobs,
            tickets=self.job_tickets,
            completion=self.fire_on_complete,
            kept=timedelta(seconds=self.settings.horizon_kept_seconds),
        )
