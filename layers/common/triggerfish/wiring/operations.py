"""What the operator's side is made of: keys, projects, health, metrics, secrets at rest."""

from datetime import timedelta
from functools import cached_property

from triggerfish.adapters.db.event_summary import EventSummaries
from triggerfish.adapters.db.project_metrics import ProjectMetricsRows
from triggerfish.adapters.db.projects import Projects
from triggerfish.adapters.db.sealed_secrets import SealedSecrets
from triggerfish.adapters.queue_depths_sqs import QueueUrls, SqsQueueDepths
from triggerfish.domain.project import DEFAULT_PROJECT
from triggerfish.usecases.manage_keys import ManageKeysDeps
from triggerfish.usecases.manage_projects import ManageProjectsDeps
from triggerfish.usecases.observe import ObserveDeps
from triggerfish.usecases.read_project_metrics import ProjectMetricsDeps
from triggerfish.usecases.summarise_events import SummariseEventsDeps
from triggerfish.wiring.shared import SharedParts


class OperationsParts(SharedParts):
    """The parts of the functions that manage access and tell how the platform fares."""

    @cached_property
    def manage_keys(self) -> ManageKeysDeps:
        return ManageKeysDeps(clock=self.clock, ids=self.ids, keys=self.keys)

    @cached_property
    def manage_projects(self) -> ManageProjectsDeps:
        projects = Projects(self.database)
        return ManageProjectsDeps(clock=self.clock, ids=self.ids, projects=projects)

    @cached_property
    def queue_depths(self) -> SqsQueueDepths:
        settings = self.settings
        queues = {
            "deliveries": QueueUrls(settings.deliveries_queue_url, settings.deliveries_dlq_url),
            "imports": QueueUrls(settings.imports_queue_url, settings.imports_dlq_url),
            "notifications": QueueUrls(
                settings.notifications_queue_url, settings.notifications_dlq_url
            ),
        }
        known = {name: urls for name, urls in queues.items() if all(urls)}
        return SqsQueueDepths(self.sqs, known)

    @cached_property
    def observe(self) -> ObserveDeps:
        return ObserveDeps(
            clock=self.clock,
            store=self.observations,
            queues=self.queue_depths,
            refused_write=self.database.refused_write,
            shortage=self.disk.shortage,
            retention=self.settings.retention,
            tick_patience=self.tick_patience,
            retention_patience=timedelta(seconds=5 * self.settings.retention_seconds + 30),
        )

    @cached_property
    def project_metrics(self) -> ProjectMetricsDeps:
        return ProjectMetricsDeps(
            store=ProjectMetricsRows(self.database, self.searches), platform=self.observe
        )

    @cached_property
    def summarise_events(self) -> SummariseEventsDeps:
        return SummariseEventsDeps(
            clock=self.clock,
            store=EventSummaries(self.searches),
            retention=self.settings.retention,
        )

    @cached_property
    def sealed_secrets(self) -> SealedSecrets:
        return SealedSecrets(self.database, self.vault)

    async def ensure_bootstrap(self, key: str) -> None:
        """Make sure that the first project exists and that `key` is its admin key."""
        now = self.clock.now()
        await self.keys.ensure_bootstrap(
            key,
            project=DEFAULT_PROJECT,
            project_id=self.ids.uuid7(now),
            key_id=self.ids.uuid7(now),
            now=now,
        )
