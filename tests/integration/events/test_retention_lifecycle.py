"""Retention: active for 2 h, archived for 46 h more, then really gone; readers are exact meanwhile."""

from datetime import timedelta

import psycopg
import pytest

from tests import functions
from tests.clock import VirtualClock
from tests.factories import an_api_trigger
from tests.integration.actions import create, detail, fire, logs
from tests.integration.rows import count
from tests.receiver import Receiver
from triggerfish.domain.access import Principal
from triggerfish.domain.errors import NotFound
from triggerfish.domain.retention import View
from triggerfish.usecases.manage_triggers import delete_trigger
from triggerfish.wiring import Wiring


def partitions(database_url: str) -> list[str]:
    with psycopg.connect(database_url.replace("+psycopg", "")) as connection:
        rows = connection.execute(
            "SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r' ORDER BY 1"
        )
        return [row[0] for row in rows]


@pytest.mark.parametrize("delete_the_trigger", [False, True])
async def test_an_event_is_active_then_archived_then_gone(
    parts: Wiring,
    caller: Principal,
    clock: VirtualClock,
    receiver: Receiver,
    database_url: str,
    delete_the_trigger: bool,
) -> None:
    trigger = await create(parts, caller, an_api_trigger(receiver.url()))
    event_id = await fire(parts, trigger, b'{"id": 1}')
    await functions.work(parts.settings.deliveries_queue_url)
    if delete_the_trigger:
        await delete_trigger(trigger.id, caller, parts.manage_triggers)

    clock.advance(hours=2, seconds=-1)
    await functions.retention()
    assert count(database_url, "event_logs_active") == 1
    assert (await detail(parts, caller, event_id)).state == "active"

    clock.advance(seconds=1)
    await functions.retention()
    assert count(database_url, "event_logs_active") == 0
    assert count(database_url, "event_logs_archive") == 1
    assert partitions(database_url) == ["event_logs_archive_2026030212"]
    assert (await detail(parts, caller, event_id)).state == "archived"

    clock.advance(hours=46, seconds=-1)
    await functions.retention()
    assert count(database_url, "event_logs_archive") == 1

    clock.advance(seconds=1)
    await functions.retention()
    assert count(database_url, "event_logs_archive") == 0
    clock.advance(hours=1)
    await functions.retention()
    assert partitions(database_url) == []
    revisions = count(database_url, "trigger_revisions")
    assert revisions == (0 if delete_the_trigger else 1)


async def test_the_answer_is_exact_to_the_second_while_retention_has_not_run(
    parts: Wiring, caller: Principal, clock: VirtualClock, receiver: Receiver
) -> None:
    trigger = await create(parts, caller, an_api_trigger(receiver.url()))
    event_id = await fire(parts, trigger, b'{"id": 1}')
    fired_at = clock.now()
    seen = await detail(parts, caller, event_id)
    assert seen.archives_at == fired_at + timedelta(hours=2)
    assert seen.expires_at == fired_at + timedelta(hours=48)

    clock.advance(hours=2, seconds=-1)
    assert len(await logs(parts, caller)) == 1
    assert await logs(parts, caller, view=View.ARCHIVED) == []
    clock.advance(seconds=1)
    assert await logs(parts, caller) == []
    [archived] = await logs(parts, caller, view=View.ARCHIVED)
    assert archived.state == "archived"
    clock.advance(hours=46, seconds=-1)
    assert len(await logs(parts, caller, view=View.ARCHIVED)) == 1
    clock.advance(seconds=1)
    assert await logs(parts, caller, view=View.ARCHIVED) == []
    with pytest.raises(NotFound):
        await detail(parts, caller, event_id)


async def test_a_large_backlog_is_moved_in_one_run(
    parts: Wiring, caller: Principal, clock: VirtualClock, receiver: Receiver, database_url: str
) -> None:
    trigger = await create(parts, caller, an_api_trigger(receiver.url()))
    await fire(parts, trigger, b'{"id": 1}')
    with psycopg.connect(database_url.replace("+psycopg", "")) as connection:
        columns = [
            row[0]
            for row in connection.execute(
                "SELECT column_name FROM information_schema.columns"
                " WHERE table_name = 'event_logs_active' AND column_name <> 'id'"
            )
        ]
        names = ", ".join(columns)
        connection.execute(
            f"INSERT INTO event_logs_active (id, {names})"
            f" SELECT gen_random_uuid(), {names} FROM event_logs_active, generate_series(1, 11999)"
        )
    clock.advance(hours=2)
    assert (await functions.retention())["moved"] == 12_000
    assert count(database_url, "event_logs_active") == 0
    clock.advance(hours=46)
    assert (await functions.retention())["deleted"] == 12_000


async def test_statistics_keep_their_totals_when_their_minutes_are_folded(
    parts: Wiring, caller: Principal, clock: VirtualClock, receiver: Receiver
) -> None:
    trigger = await create(parts, caller, an_api_trigger(receiver.url()))
    for day in range(3):
        await fire(parts, trigger, b'{"id": %d}' % day)
        await functions.work(parts.settings.deliveries_queue_url)
        clock.advance(days=3)
        await functions.retention()
    [success] = await parts.observations.totals()
    assert (success.outcome, success.count) == ("success", 3)
    assert success.duration_buckets[-1] == 3
