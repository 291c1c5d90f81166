"""Catching up after downtime reaches an endpoint bit by bit, and delays nothing that is on time."""

import asyncio
import json
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from sqlalchemy import text

from tests import functions
from tests.clock import VirtualClock
from tests.factories import a_scheduled_trigger
from tests.integration.actions import create
from tests.receiver import Receiver
from triggerfish.domain.access import Principal
from triggerfish.domain.catch_up import PACE
from triggerfish.usecases.tick import fire_due
from triggerfish.wiring import Wiring

SECOND, GRACE = timedelta(seconds=1), timedelta(seconds=60)
EVENTS = text("""
    SELECT trigger_id, scheduled_for, fired_at, next_attempt_at, status, attempts
      FROM event_logs_active ORDER BY scheduled_for, id
""")


async def made_up(parts: Wiring) -> list[Any]:
    return [
        row for row in await parts.database.run(EVENTS) if row.fired_at - row.scheduled_for > GRACE
    ]


def a_pace_apart(turns: list[datetime]) -> bool:
    return all(later - earlier == PACE for earlier, later in pairwise(sorted(turns)))


async def test_the_missed_firings_of_all_triggers_of_an_endpoint_are_a_pace_apart(
    parts: Wiring, caller: Principal, clock: VirtualClock, receiver: Receiver
) -> None:
    for query in ("a", "b", "b"):  # which makes no other endpoint
        every = a_scheduled_trigger(receiver.url(f"/hook?{query}"), schedule={"every": "20s"})
        await create(parts, caller, every)
    resumed_at = clock.advance(minutes=5)
    assert (await functions.tick())["fired"] == 3 * 15
    missed = await made_up(parts)
    assert len(missed) == 3 * 11  # 20 s to 220 s; what is 60 s late or less is merely late
    in_turn = sorted(missed, key=lambda row: row.next_attempt_at)
    turns = [row.next_attempt_at for row in in_turn]
    assert (turns[0], a_pace_apart(turns)) == (resumed_at, True)
    due_at = [row.scheduled_for for row in in_turn]
    assert due_at == sorted(due_at)
    late = [row for row in await parts.database.run(EVENTS) if row not in missed]
    assert [row.next_attempt_at for row in late] == [row.scheduled_for for row in late]


async def test_turns_go_on_from_one_tick_to_the_next(
    parts: Wiring, caller: Principal, clock: VirtualClock, receiver: Receiver
) -> None:
    await create(parts, caller, a_scheduled_trigger(receiver.url(), schedule={"every": "1s"}))
    resumed_at = clock.advance(minutes=5)
    for _ in range(4):  # a look makes up at most a hundred
        await functions.tick(horizon_seconds=0)
        clock.advance(seconds=1)
    turns = [row.next_attempt_at for row in await made_up(parts)]
    # 1 s and 2 s were looked ahead before; by the third look, two more were later than the grace.
    assert len(turns) == 239
    assert (min(turns), a_pace_apart(turns)) == (resumed_at, True)


async def test_what_is_made_up_is_posted_at_its_turn_and_what_is_due_meanwhile_on_time(
    parts: Wiring, caller: Principal, clock: VirtualClock, receiver: Receiver
) -> None:
    await create(parts, caller, a_scheduled_trigger(receiver.url(), schedule={"every": "2s"}))
    resumed_at = clock.advance(seconds=160)
    await functions.tick(horizon_seconds=1)
    turn_of = {row.scheduled_for: row.next_attempt_at for row in await made_up(parts)}
    assert len(turn_of) == 48
    while clock.now() < resumed_at + 8 * SECOND:
        await functions.work(parts.settings.deliveries_queue_url)
        clock.advance(seconds=1)
        await functions.tick(horizon_seconds=1)
    for row in await parts.database.run(EVENTS):
        if row.scheduled_for > clock.now() - 2 * SECOND:
            continue
        [attempt] = row.attempts
        due = turn_of.get(row.scheduled_for, max(row.scheduled_for, resumed_at))
        waited = datetime.fromisoformat(attempt["started_at"]) - due
        assert (row.status, timedelta() <= waited <= 2 * SECOND) == ("success", True), (row, due)


async def test_a_message_of_a_later_turn_is_sent_when_it_comes_near(
    parts: Wiring, caller: Principal, clock: VirtualClock, receiver: Receiver
) -> None:
    await create(parts, caller, a_scheduled_trigger(receiver.url(), schedule={"every": "3s"}))
    clock.advance(seconds=160)
    await functions.tick(horizon_seconds=1)
    queue = parts.settings.deliveries_queue_url
    merely_late, near = 20, 11
    assert events_of(functions.messages(queue)) == merely_late + near
    clock.advance(seconds=1)
    report = await functions.tick(horizon_seconds=1)
    busy = 1  # an endpoint where events wait is named again
    assert (report["fired"], report["swept"]) == (1, 10 + busy)
    assert events_of(functions.messages(queue)) == 1 + 10 + busy


async def test_turns_stay_in_order_when_another_trigger_of_the_url_catches_up_later(
    parts: Wiring, caller: Principal, clock: VirtualClock, receiver: Receiver
) -> None:
    """Also one with limits of its own: it is the same receiver."""
    often = await create(
        parts, caller, a_scheduled_trigger(receiver.url(), schedule={"every": "10s"})
    )
    url = {"url": receiver.url("/hook?other"), "max_concurrency": 2}
    seldom = await create(
        parts, caller, a_scheduled_trigger("", schedule={"every": "45s"}, endpoint=url)
    )
    resumed_at = clock.advance(minutes=10)
    for trigger in (often, seldom):
        clock.advance(seconds=1)
        await fire_due(timedelta(0), parts.tick, only=[trigger.id])
    missed = await made_up(parts)
    assert {row.trigger_id for row in missed} == {often.id, seldom.id}
    in_turn = sorted(missed, key=lambda row: row.next_attempt_at)
    had_their_turn = [row for row in in_turn if row.next_attempt_at <= clock.now()]
    assert len(had_their_turn) in (10, 11)
    still = [row.scheduled_for for row in in_turn[len(had_their_turn) :]]
    assert still == sorted(still)
    turns = [row.next_attempt_at for row in in_turn]
    assert (turns[0], a_pace_apart(turns)) == (resumed_at + SECOND, True)


async def test_triggers_of_one_url_that_catch_up_at_the_same_moment_share_its_turns(
    parts: Wiring, caller: Principal, clock: VirtualClock, receiver: Receiver
) -> None:
    triggers = [
        await create(parts, caller, a_scheduled_trigger(receiver.url(), schedule={"every": "10s"}))
        for _ in range(5)
    ]
    clock.advance(minutes=5)
    await asyncio.gather(
        *(fire_due(timedelta(0), parts.tick, only=[trigger.id]) for trigger in triggers)
    )
    missed = sorted(await made_up(parts), key=lambda row: row.next_attempt_at)
    assert len(missed) == 5 * 23
    assert a_pace_apart([row.next_attempt_at for row in missed])
    due_at = [row.scheduled_for for row in missed if row.next_attempt_at > clock.now()]
    assert due_at == sorted(due_at)


async def test_what_made_room_is_sent_again_in_time_and_delivered_once(
    parts: Wiring, caller: Principal, clock: VirtualClock, receiver: Receiver
) -> None:
    often = await create(
        parts, caller, a_scheduled_trigger(receiver.url(), schedule={"every": "10s"})
    )
    seldom = await create(
        parts, caller, a_scheduled_trigger(receiver.url(), schedule={"every": "45s"})
    )
    clock.advance(minutes=5)
    for trigger in (often, seldom):  # messages of the first are sent before it makes room
        await fire_due(SECOND, parts.tick, only=[trigger.id])
    for _ in range(8):
        await functions.work(parts.settings.deliveries_queue_url)
        clock.advance(seconds=1)
        await functions.tick(horizon_seconds=1)
    missed = sorted(await made_up(parts), key=lambda row: row.scheduled_for)
    assert {(row.status, len(row.attempts)) for row in missed} == {("success", 1)}
    ids = [delivery.headers["webhook-id"] for delivery in receiver.deliveries]
    assert len(ids) == len(set(ids))


async def test_without_a_grace_nothing_is_late_and_none_means_none(
    parts: Wiring, caller: Principal, clock: VirtualClock, receiver: Receiver
) -> None:
    strict = {"schedule": {"every": "5s"}, "catch_up": "none", "catch_up_grace_seconds": 0}
    trigger = await create(parts, caller, a_scheduled_trigger(receiver.url(), **strict))
    clock.advance(seconds=32)
    report = await functions.tick(horizon_seconds=0)
    assert (report["fired"], report["skipped"]) == (0, 6)
    clock.advance(seconds=3)
    assert (await functions.tick(horizon_seconds=0))["fired"] == 1
    assert trigger.revision.definition.catch_up_grace_seconds == 0


def events_of(records: list[dict[str, Any]]) -> int:
    """How many events messages name, each counted once."""
    return len({event["id"] for one in records for event in json.loads(one["body"])["events"]})
