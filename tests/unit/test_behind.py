"""Work beside the requests: nobody waits for it, but a Lambda container that is about to freeze."""

import asyncio
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from tests.clock import VirtualClock
from triggerfish.adapters.behind import catch_up, is_behind, run_behind
from triggerfish.adapters.key_usage import INTERVAL, KeyUsage
from triggerfish.domain.access import StoredKey
from triggerfish.domain.errors import TryLater


class Touches:
    """Stands for the table: remembers the notes, and answers when it is let."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.noted: list[UUID] = []
        self.open = asyncio.Event()
        self.failure = failure

    async def touch(self, key_id: UUID, *, now: datetime, unless_since: datetime) -> None:
        await self.open.wait()
        if self.failure is not None:
            raise self.failure
        self.noted.append(key_id)


def a_key(number: int = 1, **changes: Any) -> StoredKey:
    given = {"expires_at": None, "revoked_at": None, "last_used_at": None} | changes
    return StoredKey(UUID(int=number), UUID(int=9), b"", frozenset(), **given)


async def test_catching_up_waits_for_what_is_under_way() -> None:
    done: list[int] = []

    async def work(number: int) -> None:
        await asyncio.sleep(0)
        done.append(number)

    run_behind(work(1))
    run_behind(work(2))
    assert is_behind(asyncio.get_running_loop())
    assert done == []
    await catch_up()
    assert sorted(done) == [1, 2]
    assert not is_behind(asyncio.get_running_loop())
    await catch_up()  # nothing left: returns at once


async def test_a_key_is_noted_once_however_many_use_it_meanwhile(clock: VirtualClock) -> None:
    table = Touches()
    usage = KeyUsage(table)
    for _ in range(100):
        usage.note(a_key(1), now=clock.now())
        usage.note(a_key(2), now=clock.now())
    assert table.noted == []  # nobody has waited for it
    table.open.set()
    await catch_up()
    assert sorted(table.noted) == [UUID(int=1), UUID(int=2)]


@pytest.mark.parametrize(("intervals", "notes"), [(0.99, 0), (1, 1), (2, 1)])
async def test_a_key_is_noted_again_after_a_minute(
    clock: VirtualClock, intervals: float, notes: int
) -> None:
    table = Touches()
    table.open.set()
    key = a_key(last_used_at=clock.now() - intervals * INTERVAL)
    KeyUsage(table).note(key, now=clock.now())
    await catch_up()
    assert len(table.noted) == notes


async def test_a_note_that_failed_is_made_by_the_next_call(clock: VirtualClock) -> None:
    table = Touches(TryLater("away"))
    table.open.set()
    usage = KeyUsage(table)
    usage.note(a_key(), now=clock.now())
    await catch_up()
    table.failure = None
    usage.note(a_key(), now=clock.now())
    await catch_up()
    assert table.noted == [UUID(int=1)]
