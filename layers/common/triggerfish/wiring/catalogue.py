"""What the event catalogue is made of: events, their news, their summaries."""

from functools import cached_property
from typing import cast
from uuid import UUID

from triggerfish.adapters.aws_clients import ses_client, sns_client
from triggerfish.adapters.catalogue_journal import LogCatalogueJournal
from triggerfish.adapters.db.catalogue_events import CatalogueEvents
from triggerfish.adapters.db.catalogue_notifications import CatalogueNotifications
from triggerfish.adapters.id_queue_sqs import SqsIdQueue
from triggerfish.adapters.notifiers import LogNotifier, SesNotifier, SnsNotifier
from triggerfish.adapters.open_streams import OpenStreams
from triggerfish.adapters.rate_limits import RateLimits
from triggerfish.adapters.summaries import RememberedSummaries, TemplateSummariser
from triggerfish.domain import catalogue_notification
from triggerfish.domain.access import CATALOGUE_ADMIN, Principal, holds_token
from triggerfish.domain.rate import Rate
from triggerfish.ports import Notifier
from triggerfish.usecases.manage_events import ManageEventsDeps
from triggerfish.usecases.notify_by_trigger import TriggerNotifier
from triggerfish.usecases.public_events import PublicEventsDeps
from triggerfish.usecases.send_notification import SendNotificationDeps
from triggerfish.usecases.stream_summary import StreamSummaryDeps
from triggerfish.wiring.firing import FiringParts


class CatalogueParts(FiringParts):
    """The parts of the functions that serve the catalogue."""

    @cached_property
    def catalogue_events(self) -> CatalogueEvents:
        return CatalogueEvents(self.database, self.searches)

    @cached_property
    def catalogue_outbox(self) -> CatalogueNotifications:
        return CatalogueNotifications(self.database)

    @cached_property
    def notification_queue(self) -> SqsIdQueue:
        return SqsIdQueue(
            self.sqs, self.settings.notifications_queue_url, catalogue_notification.message_body
        )

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
    def public_rates(self) -> RateLimits:
        return RateLimits("address", Rate(self.settings.public_rate), self.clock)

    @cached_property
    def summary_streams(self) -> OpenStreams:
        """Everybody's; one address has as many as a project elsewhere."""
        settings = self.settings
        return OpenStreams(total=settings.open_streams, each=settings.open_streams_per_project)

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

    async def authenticate_for_catalogue(self, key: str) -> Principal | None:
        """As `authenticate`, and whoever holds the catalogue's static token."""
        if holds_token(key, self.settings.catalogue_admin_token):
            return CATALOGUE_ADMIN
        return await self.authenticate(key)
