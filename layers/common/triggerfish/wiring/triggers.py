"""What the triggers' API is made of."""

from functools import cached_property

from triggerfish.adapters.db.operational_events import OperationalEvents
from triggerfish.adapters.db.revisions import Revisions
from triggerfish.adapters.db.signing_secrets import SigningSecrets
from triggerfish.adapters.db.trigger_changes import TriggerChanges
from triggerfish.adapters.db.webhook_urls import WebhookUrls
from triggerfish.adapters.new_triggers import NewTriggers
from triggerfish.adapters.trigger_quota import TriggerQuota
from triggerfish.usecases.change_trigger import ChangeTriggerDeps
from triggerfish.usecases.create_trigger import CreateTriggerDeps
from triggerfish.usecases.inspect_trigger import InspectTriggerDeps
from triggerfish.usecases.manage_triggers import ManageTriggersDeps
from triggerfish.usecases.query_operational_events import OperationalEventsDeps
from triggerfish.usecases.rotate_secret import RotateSecretDeps
from triggerfish.usecases.rotate_url import RotateUrlDeps
from triggerfish.wiring.firing import FiringParts


class TriggerParts(FiringParts):
    """The parts of the functions that make, change and explain triggers."""

    @cached_property
    def create_trigger(self) -> CreateTriggerDeps:
        return CreateTriggerDeps(
            ids=self.ids,
            triggers=NewTriggers(
                self.triggers,
                TriggerQuota(self.triggers, self.settings.triggers_per_project),
            ),
            triggers_per_project=self.settings.triggers_per_project,
            tick=self.tick,
            lookahead=self.settings.lookahead,
            egress=self.egress,
            room=self.room,
        )

    @cached_property
    def trigger_changes(self) -> TriggerChanges:
        return TriggerChanges(self.database, self.vault, self.clock)

    @cached_property
    def change_trigger(self) -> ChangeTriggerDeps:
        return ChangeTriggerDeps(
            changes=self.trigger_changes,
            tick=self.tick,
            lookahead=self.settings.lookahead,
            egress=self.egress,
        )

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
    def manage_triggers(self) -> ManageTriggersDeps:
        return ManageTriggersDeps(clock=self.clock, triggers=self.triggers)

    @cached_property
    def rotate_url(self) -> RotateUrlDeps:
        urls = WebhookUrls(self.database, self.vault)
        return RotateUrlDeps(ids=self.ids, clock=self.clock, urls=urls)

    @cached_property
    def rotate_secret(self) -> RotateSecretDeps:
        secrets = SigningSecrets(self.database, self.vault)
        return RotateSecretDeps(clock=self.clock, ids=self.ids, secrets=secrets)

    @cached_property
    def operational_events(self) -> OperationalEventsDeps:
        return OperationalEventsDeps(store=OperationalEvents(self.database))
