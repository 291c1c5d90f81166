"""Telling the workers of events that are committed already."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import cast
from uuid import UUID

from tests.clock import VirtualClock
from triggerfish.domain.delivery import EventRef
from triggerfish.domain.errors import TryLater
from triggerfish.ports import Queue
from triggerfish.usecases.enqueue import enqueue

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
REFS = [EventRef(UUID(int=n), NOW, "endpoint") for n in range(3)]


class Sending:
    """The part of a queue that is asked here: takes the first few events of each call."""

    def __init__(self, taken: int) -> None:
        self._taken = taken

    async def send(self, refs: Sequence[EventRef], *, now: datetime) -> list[EventRef]:
        return list(refs[: self._taken])


def taking(count: int) -> Queue:
    return cast("Queue", Sending(count))


class Rows:
    def __init__(self, *, away: bool = False) -> None:
        self.unsent: list[list[UUID]] = []
        self._away = away

    async def mark_unsent(self, event_ids: Sequence[UUID]) -> None:
        if self._away:
            raise TryLater("The database went away.")
        self.unsent.append(list(event_ids))


async def test_events_that_the_queue_did_not_take_are_left_to_the_sweep() -> None:
    rows = Rows()
    await enqueue(REFS, queue=taking(2), events=rows, clock=VirtualClock(NOW))
    assert rows.unsent == [[REFS[2].event_id]]


async def test_nothing_is_written_when_the_queue_took_all() -> None:
    rows = Rows()
    await enqueue(REFS, queue=taking(3), events=rows, clock=VirtualClock(NOW))
    assert rows.unsent == []


async def test_a_database_that_goes_away_after_the_commit_turns_no_event_into_an_error() -> None:
    rows = Rows(away=True)
    await enqueue(REFS, queue=taking(0), events=rows, clock=VirtualClock(NOW))
    assert rows.unsent == []
