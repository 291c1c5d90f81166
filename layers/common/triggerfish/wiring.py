"""The composition root: reads the settings once and builds what each function needs, on first use.

Everything that holds connections belongs to one event loop, so there is one `Wiring` a loop: a
Lambda container has one loop, so does a local process, and each test its own.
"""

import asyncio
from datetime import timedelta
from functools import cached_property, lru_cache
from pathlib import Path
from typing import cast
from uuid import UUID
from weakref import WeakKeyDictionary

from triggerfish.adapters.accepted_events import BatchedAcceptedEvents
from triggerfish.adapters.aws_clients import s3_client, ses_client, sns_client, sqs_client
from triggerfish.adapters.behind import catch_up
from triggerfish.adapters.catalogue_journal import LogCatalogueJournal
from triggerfish.adapters.clock import SystemClock
from triggerfish.adapters.db.catalogue_events import CatalogueEvents
from triggerfish.adapters.db.catalogue_notifications import CatalogueNotifications
from triggerfish.adapters.db.deliveries import Deliveries
from triggerfish.adapters.db.due_triggers import DueTriggers
from triggerfish.adapters.db.engine import Database
from triggerfish.adapters.db.event_logs import EventLogs
from triggerfish.adapters.db.event_summary import EventSummaries
from triggerfish.adapters.db.held_events import HeldEvents
from triggerfish.adapters.db.idempotency_keys import IdempotencyKeys
from triggerfish.adapters.db.job_changes import JobChanges
from triggerfish.adapters.db.job_progress import JobProgress
from triggerfish.adapters.db.job_tickets import JobTickets
from triggerfish.adapters.db.jobs import Jobs
from triggerfish.adapters.db.keys import Keys
from triggerfish.adapters.db.log_entries import LogEntries
from triggerfish.adapters.db.manual_tests import ManualTests
from triggerfish.adapters.db.migrate import upgrade
from triggerfish.adapters.db.observations import Observations
from triggerfish.adapters.db.operational_events import OperationalEvents
from triggerfish.adapters.db.project_metrics import ProjectMetricsRows
from triggerfish.adapters.db.projects import Projects
from triggerfish.adapters.db.replays import Replays
from triggerfish.adapters.db.retention import Retention
from triggerfish.adapters.db.revisions import Revisions
from triggerfish.adapters.db.sealed_secrets import SealedSecrets
from triggerfish.adapters.db.signing_secrets import SigningSecrets
from triggerfish.adapters.db.trigger_changes import TriggerChanges
from triggerfish.adapters.db.triggers import Triggers
from triggerfish.adapters.db.webhook_urls import WebhookUrls
from triggerfish.adapters.deliveries import BatchedDeliveries
from triggerfish.adapters.heartbeats import SparseHeartbeats
from triggerfish.adapters.ids import SystemIds
from triggerfish.adapters.job_queue_sqs import SqsJobQueue
from triggerfish.adapters.journal import LogJournal
from triggerfish.adapters.key_lookups import KeyLookups
from triggerfish.adapters.key_usage import KeyUsage
from triggerfish.adapters.notification_queue_sqs import SqsNotificationQueue
from triggerfish.adapters.notifiers import LogNotifier, SesNotifier, SnsNotifier
from triggerfish.adapters.object_store_files import FileStore
from triggerfish.adapters.object_store_s3 import S3Store
from triggerfish.adapters.open_streams import OpenStreams
from triggerfish.adapters.queue_sqs import SqsQueue
from triggerfish.adapters.rate_limits import RateLimits
from triggerfish.adapters.revisions import RevisionSettings
from triggerfish.adapters.sender_http import HttpSender
from triggerfish.adapters.summaries import RememberedSummaries, TemplateSummariser
from triggerfish.adapters.trigger_quota import TriggerQuota
from triggerfish.adapters.vault import Vault
from triggerfish.adapters.webhook_targets import WebhookTargets
from triggerfish.domain.access import CATALOGUE_ADMIN, Principal, holds_token
from triggerfish.domain.egress import parse_egress_allow
from triggerfish.domain.rate import Rate
from triggerfish.domain.slots import Slots
from triggerfish.ports import Clock, Notifier, ObjectStore
from triggerfish.settings import Settings
from triggerfish.usecases.authenticate import AuthenticateDeps, find_caller
from triggerfish.usecases.change_trigger import ChangeTriggerDeps
from triggerfish.usecases.create_trigger import CreateTriggerDeps
from triggerfish.usecases.deliver import DeliverDeps
from triggerfish.usecases.fire_on_complete import FireOnCompleteDeps
from triggerfish.usecases.fire_webhook import FireWebhookDeps
from triggerfish.usecases.inspect_trigger import InspectTriggerDeps
from triggerfish.usecases.manage_events import ManageEventsDeps
from triggerfish.usecases.manage_jobs import ManageJobsDeps
from triggerfish.usecases.manage_keys import ManageKeysDeps
from triggerfish.usecases.manage_projects import ManageProjectsDeps
from triggerfish.usecases.manage_triggers import ManageTriggersDeps
from triggerfish.usecases.notify_by_trigger import TriggerNotifier
from triggerfish.usecases.observe import ObserveDeps
from triggerfish.usecases.process_log_file import ProcessLogFileDeps
from triggerfish.usecases.public_events import PublicEventsDeps
from triggerfish.usecases.query_event_logs import QueryEventLogsDeps
from triggerfish.usecases.query_operational_events import OperationalEventsDeps
from triggerfish.usecases.read_project_metrics import ProjectMetricsDeps
from triggerfish.usecases.release_held import ReleaseHeldDeps
from triggerfish.usecases.replay_events import ReplayEventsDeps
from triggerfish.usecases.retention import RetentionDeps
from triggerfish.usecases.rotate_secret import RotateSecretDeps
from triggerfish.usecases.rotate_url import RotateUrlDeps
from triggerfish.usecases.run_test import RunTestDeps
from triggerfish.usecases.send_notification import SendNotificationDeps
from triggerfish.usecases.stream_summary import StreamSummaryDeps
from triggerfish.usecases.summarise_events import SummariseEventsDeps
from triggerfish.usecases.sweep_jobs import SweepJobsDeps
from triggerfish.usecases.tick import TickDeps
from triggerfish.usecases.upload_file import UploadFileDeps
from triggerfish.usecases.watch_job import WatchJobDeps

DEFAULT_PROJECT = "default"


class Wiring:
    """The parts of one process, each built when it is first needed."""

    def __init__(self, settings: Settings, *, clock: Clock | None = None) -> None:
        self.settings = settings
        self.clock = clock or SystemClock()
        self.ids = SystemIds()
        self.journal = LogJournal()

    @cached_property
    def database(self) -> Database:
        return Database(self.settings.database_url, pool_size=self.settings.database_pool_size)

    @cached_property
    def queue(self) -> SqsQueue:
        return SqsQueue(
            sqs_client(self.settings.sqs_endpoint_url),
            self.settings.deliveries_queue_url,
            self.settings.deliveries_dlq_url,
        )

    @cached_property
    def vault(self) -> Vault:
        return Vault(self.settings.key_ring, self.ids.nonce)

    @cached_property
    def triggers(self) -> Triggers:
        return Triggers(self.database, self.vault)

    @cached_property
    def events(self) -> EventLogs:
        return EventLogs(self.database)

    @cached_property
    def deliveries(self) -> Deliveries:
        return Deliveries(
            self.database, disable_after=timedelta(seconds=self.settings.disable_after_seconds)
        )

    @cached_property
    def observations(self) -> Observations:
        return Observations(self.database)

    @cached_property
    def tick(self) -> TickDeps:
        return TickDeps(
            clock=self.clock,
            ids=self.ids,
            due=DueTriggers(self.database),
            events=self.events,
            deliveries=self.deliveries,
            queue=self.queue,
            heartbeats=self.observations,
            journal=self.journal,
        )

    @cached_property
    def create_trigger(self) -> CreateTriggerDeps:
        return CreateTriggerDeps(
            ids=self.ids,
            triggers=self.triggers,
            quota=TriggerQuota(self.triggers, self.settings.triggers_per_project),
            tick=self.tick,
            lookahead=self.settings.lookahead,
        )

    @cached_property
    def trigger_changes(self) -> TriggerChanges:
        return TriggerChanges(self.database, self.vault, self.clock)

    @cached_property
    def change_trigger(self) -> ChangeTriggerDeps:
        return ChangeTriggerDeps(
            changes=self.trigger_changes, tick=self.tick, lookahead=self.settings.lookahead
        )

    @cached_property
    def release_held(self) -> ReleaseHeldDeps:
        return ReleaseHeldDeps(
            clock=self.clock,
            triggers=self.triggers,
            held=HeldEvents(self.database),
            deliveries=self.deliveries,
            queue=self.queue,
            retention=self.settings.retention,
            lookahead=self.settings.lookahead,
        )

    @cached_property
    def operational_events(self) -> OperationalEventsDeps:
        return OperationalEventsDeps(store=OperationalEvents(self.database))

    @cached_property
    def inspect_trigger(self) -> InspectTriggerDeps:
        return InspectTriggerDeps(
            clock=self.clock,
            standings=self.trigger_changes,
            revisions=Revisions(self.database, self.vault),
            events=self.events,
            observations=self.observations,
            retention=self.settings.retention,
            tick_patience=self.tick_patience,
        )

    @cached_property
    def tick_patience(self) -> timedelta:
        """How long the tick may be silent before it counts as down."""
        return timedelta(seconds=10 * self.settings.tick_seconds + 5)

    @cached_property
    def rotate_url(self) -> RotateUrlDeps:
        urls = WebhookUrls(self.database, self.vault)
        return RotateUrlDeps(ids=self.ids, clock=self.clock, urls=urls)

    @cached_property
    def rotate_secret(self) -> RotateSecretDeps:
        secrets = SigningSecrets(self.database, self.vault)
        return RotateSecretDeps(clock=self.clock, ids=self.ids, secrets=secrets)

    @cached_property
    def manage_triggers(self) -> ManageTriggersDeps:
        return ManageTriggersDeps(clock=self.clock, triggers=self.triggers)

    @cached_property
    def fire_webhook(self) -> FireWebhookDeps:
        return FireWebhookDeps(
            clock=self.clock,
            ids=self.ids,
            targets=WebhookTargets(self.triggers, self.clock),
            rates=RateLimits(Rate(self.settings.webhook_rate), self.clock),
            events=BatchedAcceptedEvents(self.events, self.clock),
            keyed=IdempotencyKeys(self.database),
            queue=self.queue,
            journal=self.journal,
        )

    @cached_property
    def run_test(self) -> RunTestDeps:
        return RunTestDeps(
            clock=self.clock,
            ids=self.ids,
            triggers=self.triggers,
            tests=ManualTests(self.database, self.vault),
            events=self.events,
            queue=self.queue,
            journal=self.journal,
            lookahead=self.settings.lookahead,
        )

    @cached_property
    def sender(self) -> HttpSender:
        policy = parse_egress_allow(self.settings.egress_allow, self.settings.service_ports)
        return HttpSender(policy, now=self.clock.now, services=self.settings.services)

    @cached_property
    def deliver(self) -> DeliverDeps:
        return DeliverDeps(
            clock=self.clock,
            slots=Slots(self.settings.endpoint_concurrency),
            deliveries=BatchedDeliveries(self.deliveries, self.clock),
            settings_of=RevisionSettings(self.triggers, self.clock),
            sender=self.sender,
            queue=self.queue,
            heartbeats=SparseHeartbeats(self.observations),
            journal=self.journal,
            lookahead=self.settings.lookahead,
        )

    @cached_property
    def retention(self) -> RetentionDeps:
        return RetentionDeps(
            clock=self.clock,
            store=Retention(self.database),
            policy=self.settings.retention,
            heartbeats=self.observations,
        )

    @cached_property
    def query_event_logs(self) -> QueryEventLogsDeps:
        return QueryEventLogsDeps(
            clock=self.clock, events=self.events, retention=self.settings.retention
        )

    @cached_property
    def replay_events(self) -> ReplayEventsDeps:
        return ReplayEventsDeps(
            ids=self.ids,
            logs=self.query_event_logs,
            replays=Replays(self.database),
            events=self.events,
            queue=self.queue,
            journal=self.journal,
        )

    @cached_property
    def summarise_events(self) -> SummariseEventsDeps:
        return SummariseEventsDeps(
            clock=self.clock,
            store=EventSummaries(self.database),
            retention=self.settings.retention,
        )

    @cached_property
    def observe(self) -> ObserveDeps:
        return ObserveDeps(
            clock=self.clock,
            store=self.observations,
            queue=self.queue,
            retention=self.settings.retention,
            tick_patience=self.tick_patience,
            retention_patience=timedelta(seconds=5 * self.settings.retention_seconds + 30),
        )

    @cached_property
    def project_metrics(self) -> ProjectMetricsDeps:
        return ProjectMetricsDeps(store=ProjectMetricsRows(self.database), platform=self.observe)

    @cached_property
    def keys(self) -> Keys:
        return Keys(self.database)

    @cached_property
    def manage_keys(self) -> ManageKeysDeps:
        return ManageKeysDeps(clock=self.clock, ids=self.ids, keys=self.keys)

    @cached_property
    def manage_projects(self) -> ManageProjectsDeps:
        projects = Projects(self.database)
        return ManageProjectsDeps(clock=self.clock, ids=self.ids, projects=projects)

    @cached_property
    def jobs(self) -> Jobs:
        return Jobs(self.database)

    @cached_property
    def job_queue(self) -> SqsJobQueue:
        client = sqs_client(self.settings.sqs_endpoint_url)
        return SqsJobQueue(client, self.settings.imports_queue_url)

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
            lines=LogEntries(self.database),
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
    def summary_streams(self) -> OpenStreams:
        """Everybody's, so no project's."""
        return OpenStreams(total=self.settings.open_streams, each=self.settings.open_streams)

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
        )

    @cached_property
    def catalogue_events(self) -> CatalogueEvents:
        return CatalogueEvents(self.database)

    @cached_property
    def catalogue_outbox(self) -> CatalogueNotifications:
        return CatalogueNotifications(self.database)

    @cached_property
    def notification_queue(self) -> SqsNotificationQueue:
        client = sqs_client(self.settings.sqs_endpoint_url)
        return SqsNotificationQueue(client, self.settings.notifications_queue_url)

    @cached_property
    def manage_events(self) -> ManageEventsDeps:
        return ManageEventsDeps(
            clock=self.clock,
            ids=self.ids,
            events=self.catalogue_events,
            outbox=self.catalogue_outbox,
            queue=self.notification_queue,
        )

    @cached_property
    def public_events(self) -> PublicEventsDeps:
        return PublicEventsDeps(clock=self.clock, events=self.catalogue_events)

    @cached_property
    def stream_summary(self) -> StreamSummaryDeps:
        remembered = self.settings.catalogue_summaries
        return StreamSummaryDeps(
            clock=self.clock,
            events=self.public_events,
            summaries=RememberedSummaries(TemplateSummariser(), remembered=remembered),
            journal=LogCatalogueJournal(),
        )

    @cached_property
    def notifier(self) -> Notifier:
        settings = self.settings
        match settings.catalogue_notifier:
            case "log":
                return LogNotifier()
            case "sns":
                return SnsNotifier(sns_client(), settings.catalogue_sns_topic_arn)
            case "ses":
                recipients = settings.catalogue_ses_recipients.split(",")
                sender = settings.catalogue_ses_sender
                return SesNotifier(ses_client(), sender, recipients)
            case "trigger":
                trigger_id = cast(UUID, settings.catalogue_trigger_id)  # checked by the settings
                return TriggerNotifier(trigger_id, self.triggers, self.fire_webhook)

    @cached_property
    def send_notification(self) -> SendNotificationDeps:
        return SendNotificationDeps(
            clock=self.clock,
            outbox=self.catalogue_outbox,
            notifier=self.notifier,
            queue=self.notification_queue,
            journal=LogCatalogueJournal(),
        )

    @cached_property
    def authentication(self) -> AuthenticateDeps:
        return AuthenticateDeps(
            clock=self.clock,
            keys=KeyLookups(self.keys),
            usage=KeyUsage(self.keys),
            rates=RateLimits(Rate(self.settings.key_rate), self.clock),
        )

    @cached_property
    def sealed_secrets(self) -> SealedSecrets:
        return SealedSecrets(self.database, self.vault)

    async def authenticate(self, key: str) -> Principal | None:
        """The caller behind an API key, None when it is not valid."""
        return await find_caller(key, self.authentication)

    async def authenticate_for_catalogue(self, key: str) -> Principal | None:
        """As `authenticate`, and whoever holds the catalogue's static token."""
        if holds_token(key, self.settings.catalogue_admin_token):
            return CATALOGUE_ADMIN
        return await self.authenticate(key)

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

    async def close(self) -> None:
        await catch_up()
        if "job_changes" in self.__dict__:
            await self.job_changes.close()
        if "database" in self.__dict__:
            await self.database.close()
        if "deliver" in self.__dict__:
            await self.sender.aclose()


@lru_cache(maxsize=1)
def _settings() -> Settings:
    return Settings()


_wirings: WeakKeyDictionary[asyncio.AbstractEventLoop, Wiring] = WeakKeyDictionary()


def install(parts: Wiring) -> None:
    """Make `parts` those of the running event loop, for a host with a clock of its own."""
    _wirings[asyncio.get_running_loop()] = parts


def wiring() -> Wiring:
    """The parts that belong to the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _wirings:
        _wirings[loop] = Wiring(_settings())
    return _wirings[loop]


async def close_all() -> None:
    """Close the parts of every loop and forget the settings; the next use reads them anew.

    For a host that stops, or starts over in another environment; no function may be running.
    """
    running = asyncio.get_running_loop()
    for loop, parts in list(_wirings.items()):
        if loop is running:
            await parts.close()
        elif not loop.is_closed():
            await asyncio.to_thread(loop.run_until_complete, parts.close())
    _wirings.clear()
    _settings.cache_clear()


def migrate(settings: Settings) -> None:
    """Bring the database to the current schema, ensure the bootstrap key, and encrypt secrets that
    are not; safe to repeat."""
    upgrade(settings.database_url)
    asyncio.run(_prepare(settings))


async def _prepare(settings: Settings) -> None:
    parts = Wiring(settings)
    try:
        if settings.bootstrap_api_key:
            await parts.ensure_bootstrap(settings.bootstrap_api_key)
        if settings.key_ring.first is not None:
            await parts.sealed_secrets.rekey(only_plain=True)
    finally:
        await parts.close()


async def rekey(settings: Settings) -> int:
    """Encrypt every secret under the first key of the ring; how many were under another."""
    parts = Wiring(settings)
    try:
        return await parts.sealed_secrets.rekey()
    finally:
        await parts.close()
