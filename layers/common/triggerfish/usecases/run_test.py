"""Run a test: fire a trigger, or a definition that is not saved, once and at the caller's word."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol
from uuid import UUID

from triggerfish.domain.access import Principal
from triggerfish.domain.delivery import EventRef
from triggerfish.domain.egress import EgressPolicy, refuse_unreachable
from triggerfish.domain.errors import NotFound
from triggerfish.domain.event_log import Source
from triggerfish.domain.manual_test import ManualTest, parse_test, parse_unsaved_test
from triggerfish.domain.signing import SigningSecrets
from triggerfish.domain.trigger import Definition, Revision, Trigger
from triggerfish.ports import Clock, Ids, Journal, Queue, Room
from triggerfish.usecases.enqueue import Unsent, enqueue


class TriggerStore(Protocol):
    async def get(self, project_id: UUID, trigger_id: UUID) -> Trigger | None: ...


class ManualTestStore(Protocol):
    async def insert(self, test: ManualTest) -> bool:
        """Store the event of a trigger's test; False when its trigger is gone by now."""
        ...

    async def insert_unsaved(self, test: ManualTest, revision: Revision) -> None:
        """Store the event and its definition, which goes when the event goes; both or neither."""
        ...


@dataclass(frozen=True, slots=True)
class RunTestDeps:
    clock: Clock
    ids: Ids
    triggers: TriggerStore
    tests: ManualTestStore
    events: Unsent
    queue: Queue
    journal: Journal
    lookahead: timedelta
    egress: EgressPolicy
    room: Room


@dataclass(frozen=True, slots=True)
class StartedTest:
    """A test that was accepted; the secret is told only to whom it is new."""

    event: ManualTest
    trigger_id: UUID | None
    signing_secret: str | None


async def run_test(trigger_id: UUID, raw: object, caller: Principal, d: RunTestDeps) -> StartedTest:
    """Fire a trigger once, whatever its status. Raises NotFound, or InvalidInput for the body."""
    trigger = await d.triggers.get(caller.project_id, trigger_id)
    if trigger is None:
        raise NotFound("There is no such trigger.")
    definition = trigger.revision.definition
    request = parse_test(raw, definition)
    now = d.clock.now()
    note = request.note or f'Test run of "{definition.name}"'
    test = ManualTest(
        d.ids.uuid7(now), caller.project_id, trigger.revision.id, now, request.payload, note, now
    )
    d.room.take(caller.project_id, events=1, size=len(test.payload.encode()))
    if not await d.tests.insert(test):
        raise NotFound("There is no such trigger.")
    d.journal.accepted(test.id, source=Source.MANUAL_TEST, trigger_id=trigger.id)
    await _enqueue(test, definition, d)
    return StartedTest(test, trigger.id, None)


async def run_unsaved_test(raw: object, caller: Principal, d: RunTestDeps) -> StartedTest:
    """Fire a definition once without making a trigger of it. Raises InvalidInput."""
    now = d.clock.now()
    unsaved = parse_unsaved_test(raw, now=now)
    refuse_unreachable(unsaved.definition.endpoint.url, d.egress)
    revision = Revision(
        id=d.ids.uuid7(now),
        number=1,
        definition=unsaved.definition,
        secrets=SigningSecrets(d.ids.signing_secret()),
        created_at=now,
        created_by=str(caller.key_id),
    )
    note = unsaved.request.note or f'Test run of "{unsaved.definition.name}", not saved'
    test = ManualTest(
        d.ids.uuid7(now),
        caller.project_id,
        revision.id,
        unsaved.due_at,
        unsaved.request.payload,
        note,
        now if unsaved.due_at <= now + d.lookahead else None,
    )
    d.room.take(caller.project_id, events=1, size=len(test.payload.encode()))
    await d.tests.insert_unsaved(test, revision)
    d.journal.accepted(test.id, source=Source.MANUAL_TEST, trigger_id=None)
    await _enqueue(test, unsaved.definition, d)
    return StartedTest(test, None, revision.secrets.present)


async def _enqueue(test: ManualTest, definition: Definition, d: RunTestDeps) -> None:
    """A test beyond the look-ahead has no message yet: the sweep sends it in time."""
    if test.enqueued_at is not None:
        ref = EventRef(test.id, test.due_at, definition.endpoint.key)
        await enqueue([ref], queue=d.queue, events=d.events, clock=d.clock)
