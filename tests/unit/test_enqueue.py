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
REFS = [EventRef(UUID(int=n), NOW, "endpoint", str(n)) for n in range(3)]


class Sending:
    """The part of a queue that is asked here: takes the first few messages of each call."""

    def __init__(self, taken: int) -> None:
        self._taken = taken

    async def send(self, refs: Sequence[EventRef], *, now: datetime) -> list[EventRef]:
        return list(refs[: self._taken])


def taking(count: int) -> Queue:
    return cast("Queue", Sending(count))


class Rows:
    def __init__(self, *, away: bool = False) -> None:
        self.marked: list[UUID] = []
        self._away = away

    async def mark_enqueued(self, event_ids: Sequence[UUID], *, now: datetime) -> None:
        if self._away:
            raise TryLater("The database went away.")
        self.marked += event_ids


async def test_only_what_the_queue_took_is_marked() -> None:
    rows = Rows()
    await enqueue(REFS, queue=taking(2), events=rows, clock=VirtualClock(NOW))
    assert rows.marked == [REFS[0].event_id, REFS[1].event_id]


async def test_a_database_that_goes_away_after_the_commit_turns_no_event_into_an_error() -> None:
    rows = Rows(away=True)
    await enqueue(REFS, queue=taking(3), events=rows, clock=VirtualClock(NOW))
    assert rows.marked == []
