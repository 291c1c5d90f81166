"""Replays through time: after edits, deletions and retention, and a thousand at once."""

from datetime import timedelta
from uuid import uuid4

import psycopg
import pytest

from tests import functions
from tests.clock import VirtualClock
from tests.factories import a_scheduled_trigger, an_api_trigger
from tests.integration.actions import create, detail, fire, logs
from tests.integration.lanes import dsn
from tests.integration.rows import count
from tests.receiver import Receiver
from triggerfish.adapters.db.tables.events import event_logs_active
from triggerfish.domain.access import Principal
from triggerfish.domain.errors import Conflict, NotFound
from triggerfish.domain.event_log import EventLogFilter, Selection
from triggerfish.domain.replay import MAX_REPLAYS
from triggerfish.domain.retention import View
from triggerfish.domain.retry import WhichEndpoint
from triggerfish.usecases.manage_triggers import delete_trigger
from triggerfish.usecases.query_event_logs import Window
from triggerfish.usecases.replay_events import Replayed, replay_event, replay_events
from triggerfish.usecases.run_test import run_unsaved_test
from triggerfish.wiring import Wiring

HOOK = "https://example.com/hook"


async def everything(parts: Wiring, caller: Principal, view: View = View.ACTIVE) -> Replayed:
    return await replay_events(
        caller,
        EventLogFilter(),
        Window(view),
        parts.replay_events,
        limit=1000,
        cursor=None,
        dry_run=False,
    )


async def test_a_replay_of_a_deleted_triggers_event_goes_to_its_endpoint_of_then(
    parts: Wiring, caller: Principal, clock: VirtualClock, receiver: Receiver, database_url: str
) -> None:
    receiver.answer(500)
    body = an_api_trigger(receiver.url(), retry={"delays_seconds": [3600.0]})
    trigger = await create(parts, caller, body)
    event = await fire(parts, trigger, b'{"id": 1}')
    await functions.work(parts.settings.deliveries_queue_url)
    await delete_trigger(trigger.id, caller, parts.manage_triggers)
    clock.advance(hours=47)
    replay = await replay_event(event, caller, parts.replay_events)

    # The original and what the deletion left for it are over; the replay and its retry are not.
    clock.advance(minutes=65)
    await functions.retention()
    with pytest.raises(NotFound):
        await replay_event(event, caller, parts.replay_events)
    assert count(database_url, "trigger_revisions") == 1
    await functions.work(parts.settings.deliveries_queue_url)
    receiver.answer(200)
    clock.advance(minutes=70)
    await functions.tick()
    await functions.work(parts.settings.deliveries_queue_url)
    log = (await detail(parts, caller, replay.ref.event_id)).log
    assert (log.status, log.attempt_count, log.replay_of) == ("success", 2, event)
    assert log.trigger_id == trigger.id

    clock.advance(hours=46)
    await functions.retention()
    assert count(database_url, "trigger_revisions") == 0
    assert await logs(parts, caller, view=View.ARCHIVED) == []


@pytest.mark.parametrize(("edited", "status"), [(False, "disabled"), (True, "active")])
async def test_an_endpoint_that_is_gone_disables_no_trigger_that_has_another_revision_by_now(
    parts: Wiring,
    caller: Principal,
    receiver: Receiver,
    database_url: str,
    edited: bool,
    status: str,
) -> None:
    trigger = await create(parts, caller, an_api_trigger(receiver.url()))
    event = await fire(parts, trigger, b'{"id": 1}')
    await functions.work(parts.settings.deliveries_queue_url)
    receiver.answer(410)
    await replay_event(event, caller, parts.replay_events)
    if edited:
        with psycopg.connect(dsn(database_url)) as connection:
            connection.execute("UPDATE triggers SET revision_id = %s", (uuid4(),))
    await functions.work(parts.settings.deliveries_queue_url)
    with psycopg.connect(dsn(database_url)) as connection:
        assert connection.execute("SELECT status FROM triggers").fetchone() == (status,)


async def test_an_unsaved_definition_can_be_replayed_and_stays_a_test(
    parts: Wiring, caller: Principal, receiver: Receiver
) -> None:
    body = a_scheduled_trigger(receiver.url(), schedule={"every": "1h"})
    started = await run_unsaved_test(body, caller, parts.run_test)
    await functions.work(parts.settings.deliveries_queue_url)
    replay = await replay_event(started.event.id, caller, parts.replay_events)
    await functions.work(parts.settings.deliveries_queue_url)
    log = (await detail(parts, caller, replay.ref.event_id)).log
    assert (log.status, log.source, log.is_test) == ("success", "replay", True)
    assert (log.trigger_id, log.note) == (None, started.event.note)


async def test_a_test_that_is_still_to_fire_is_not_replayed(
    parts: Wiring, caller: Principal, clock: VirtualClock
) -> None:
    started = await run_unsaved_test(a_scheduled_trigger(HOOK), caller, parts.run_test)
    with pytest.raises(Conflict):
        await replay_event(started.event.id, caller, parts.replay_events)
    assert (await everything(parts, caller)).count == 0


async def test_an_event_can_be_replayed_up_to_its_end_wherever_it_lies(
    parts: Wiring, caller: Principal, clock: VirtualClock, receiver: Receiver
) -> None:
    trigger = await create(parts, caller, an_api_trigger(receiver.url()))
    event = await fire(parts, trigger, b'{"id": 1}')
    await functions.work(parts.settings.deliveries_queue_url)
    clock.advance(hours=48, seconds=-1)  # retention has never run
    assert (await replay_event(event, caller, parts.replay_events)).replay_of == event
    assert (await everything(parts, caller, View.ARCHIVED)).count == 1
    clock.advance(seconds=1)
    with pytest.raises(NotFound):
        await replay_event(event, caller, parts.replay_events)
    assert (await everything(parts, caller, View.ARCHIVED)).count == 0


@pytest.mark.breaks_invariants
async def test_a_thousand_events_are_written_anew_at_once(
    parts: Wiring, caller: Principal, receiver: Receiver, database_url: str
) -> None:
    trigger = await create(parts, caller, an_api_trigger(receiver.url()))
    await fire(parts, trigger, b'{"id": 1}')
    await functions.work(parts.settings.deliveries_queue_url)
    with psycopg.connect(dsn(database_url)) as connection:
        columns = ", ".join(c.name for c in event_logs_active.columns if c.name != "id")
        connection.execute(
            f"INSERT INTO event_logs_active (id, {columns}) SELECT gen_random_uuid(), {columns}"
            " FROM event_logs_active, generate_series(1, 1199)".encode()
        )
    # The store alone: moto needs half a minute for a thousand messages.
    store, now = parts.replay_events.replays, parts.clock.now()
    wanted = Selection(EventLogFilter(), now - timedelta(hours=2), now, MAX_REPLAYS)
    where = WhichEndpoint.ORIGINAL
    found = await store.find(caller.project_id, wanted, endpoint=where)
    written = await store.insert(
        caller.project_id, found, endpoint=where, new_id=parts.ids.uuid7, now=now
    )
    assert {one.replay_of for one in written} == {one.id for one in found}
    assert len({one.ref.event_id for one in written}) == len(found) == 1000
    assert count(database_url, "event_logs_active") == 2200
