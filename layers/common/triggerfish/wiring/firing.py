"""What fires, delivers and retires events."""

from functools import cached_property

from triggerfish.adapters.accepted_events import BatchedAcceptedEvents
from triggerfish.adapters.behind import run_behind
from triggerfish.adapters.db.due_triggers import DueTriggers
from triggerfish.adapters.db.held_events import HeldEvents
from triggerfish.adapters.db.idempotency_keys import IdempotencyKeys
from triggerfish.adapters.db.manual_tests import ManualTests
from triggerfish.adapters.db.project_usage import ProjectUsage
from triggerfish.adapters.db.replays import Replays
from triggerfish.adapters.db.retention import Retention
from triggerfish.adapters.deliveries import BatchedDeliveries
from triggerfish.adapters.heartbeats import SparseHeartbeats
from triggerfish.adapters.outgoing.sender import HttpSender
from triggerfish.adapters.rate_limits import RateLimits
from triggerfish.adapters.revisions import RevisionSettings
from triggerfish.adapters.room import CountedRoom
from triggerfish.adapters.webhook_targets import WebhookTargets
from triggerfish.domain.egress import EgressPolicy, parse_egress_allow
from triggerfish.domain.quota import Quota
from triggerfish.domain.rate import Rate
from triggerfish.usecases.courier import CourierDeps, Couriers
from triggerfish.usecases.deliver import DeliverDeps
from triggerfish.usecases.fire_webhook import FireWebhookDeps
from triggerfish.usecases.query_event_logs import QueryEventLogsDeps
from triggerfish.usecases.release_held import ReleaseHeldDeps
from triggerfish.usecases.replay_events import ReplayEventsDeps
from triggerfish.usecases.retention import RetentionDeps
from triggerfish.usecases.run_test import RunTestDeps
from triggerfish.usecases.tick import TickDeps
from triggerfish.wiring.shared import SharedParts


class FiringParts(SharedParts):
    """The parts of the functions that make events and bring them to an end."""

    @cached_property
    def tick(self) -> TickDeps:
        return TickDeps(
            clock=self.clock,
            ids=self.ids,
            due=DueTriggers(self.database),
            events=self.events,
            overdue=self.overdue,
            leases=self.deliveries,
            queue=self.queue,
            heartbeats=self.observations,
            journal=self.journal,
            shortage=self.disk.shortage,
        )

    @cached_property
    def room(self) -> CountedRoom:
        settings = self.settings
        quota = Quota(settings.events_per_project, settings.event_bytes_per_project)
        usage = ProjectUsage(self.database)
        return CountedRoom(usage, self.disk, quota, settings.retention.kept, self.clock)

    @cached_property
    def fire_webhook(self) -> FireWebhookDeps:
        return FireWebhookDeps(
            clock=self.clock,
            ids=self.ids,
            targets=WebhookTargets(self.triggers, self.clock),
            rates=RateLimits("webhook", Rate(self.settings.webhook_rate), self.clock),
            events=BatchedAcceptedEvents(self.events),
            keyed=IdempotencyKeys(self.database),
            queue=self.queue,
            journal=self.journal,
            room=self.room,
            run_behind=run_behind,
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
            egress=self.egress,
            room=self.room,
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
            room=self.room,
        )

    @cached_property
    def release_held(self) -> ReleaseHeldDeps:
        return ReleaseHeldDeps(
            clock=self.clock,
            triggers=self.triggers,
            held=HeldEvents(self.database),
            events=self.events,
            queue=self.queue,
            retention=self.settings.retention,
        )

    @cached_property
    def egress(self) -> EgressPolicy:
        return parse_egress_allow(self.settings.egress_allow, self.settings.service_ports)

    @cached_property
    def sender(self) -> HttpSender:
        return HttpSender(self.egress, now=self.clock.now, services=self.settings.services)

    @cached_property
    def batched_deliveries(self) -> BatchedDeliveries:
        return BatchedDeliveries(self.deliveries, self.clock)

    @cached_property
    def courier(self) -> CourierDeps:
        settings = RevisionSettings(self.triggers, self.clock)
        return CourierDeps(
            clock=self.clock,
            deliveries=self.batched_deliveries,
            settings_of=settings,
            current_settings=settings.current,
            sender=self.sender,
            queue=self.queue,
            journal=self.journal,
            lookahead=self.settings.lookahead,
            concurrency=self.settings.endpoint_concurrency,
        )

    @cached_property
    def deliver(self) -> DeliverDeps:
        return DeliverDeps(
            clock=self.clock,
            couriers=Couriers(self.courier),
            places=self.batched_deliveries,
            queue=self.queue,
            heartbeats=SparseHeartbeats(self.observations),
            retention=self.settings.retention,
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
