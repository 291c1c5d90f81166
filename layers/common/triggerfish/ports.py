"""The small interfaces that use cases need; adapters fulfil them, tests may too."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol
from uuid import UUID

from triggerfish.domain.catalogue_event import PublicEvent
from triggerfish.domain.catalogue_notification import Notification
from triggerfish.domain.delivery import ClaimedEvent, EventRef, Outcome
from triggerfish.domain.event_log import Source
from triggerfish.domain.exchange import OutboundRequest, Reply, SendFailure
from triggerfish.domain.replay import Replay


class Clock(Protocol):
    """Time, in UTC."""

    def now(self) -> datetime: ...

    async def sleep_until(self, instant: datetime) -> None:
        """Return at `instant` or just after, never before."""
        ...


class Ids(Protocol):
    """Ids, secrets and randomness."""

    def uuid7(self, at: datetime) -> UUID: ...

    def token(self) -> str: ...

    def alphanumeric(self, characters: int) -> str: ...

    def signing_secret(self) -> str: ...

    def fraction(self) -> float:
        """In [0, 1)."""
        ...


class Queue(Protocol):
    """A hint to workers that events become due; never the truth."""

    async def send(self, refs: Sequence[EventRef], *, now: datetime) -> list[EventRef]:
        """Send messages about events, delayed until they are due; the events they are about.

        A queue that is away takes none and raises nothing.
        """
        ...

    async def waiting(self) -> int:
        """About how many messages wait to be received; 0 if the queue does not say."""
        ...


class IdQueue(Protocol):
    """A hint to workers that import jobs or notifications wait; never the truth."""

    async def send(self, ids: Sequence[UUID]) -> list[UUID]:
        """Send one message an id; those whose message was taken."""
        ...


class Notifier(Protocol):
    """Tells what happened in the catalogue to whoever follows it."""

    async def notify(self, notification: Notification) -> None:
        """Raises TryLater when it was not told; the same may be told again after a crash."""
        ...


class Summariser(Protocol):
    """Puts a public event into words."""

    async def summarise(self, event: PublicEvent) -> str: ...


class Sender(Protocol):
    """One HTTP exchange; never raises for the endpoint's sake."""

    async def post(self, request: OutboundRequest) -> Reply | SendFailure: ...


class ObjectMissing(Exception):
    """The store has no such object: it was deleted, or never written to its end."""


class ObjectStore(Protocol):
    """Large files by key, written and read as streams; TryLater when the store is away."""

    def create(self, key: str) -> AbstractAsyncContextManager[Callable[[bytes], Awaitable[None]]]:
        """Gives a function that appends bytes. The object exists once the block ends.

        A block that raises, or is cancelled, leaves nothing behind.
        """
        ...

    def read(self, key: str, *, offset: int = 0) -> AsyncGenerator[bytes, None]:
        """The bytes from `offset` on, in chunks of a mebibyte at most; none from the end on.

        Raises ObjectMissing.
        """
        ...

    async def delete(self, key: str) -> None:
        """Remove an object; one that is not there is removed already."""
        ...


class Heartbeats(Protocol):
    """Notes that a background function has run."""

    async def beat(
        self, name: str, *, now: datetime, duration_ms: int, counts: dict[str, int]
    ) -> None: ...


class Journal(Protocol):
    """Says what happens to events, so that one can be followed from due to done; never fails."""

    def accepted(self, event_id: UUID, *, source: Source, trigger_id: UUID | None) -> None: ...

    def replayed(self, replays: Sequence[Replay]) -> None: ...

    def fired(self, refs: Sequence[EventRef], *, skipped: int) -> None: ...

    def attempted(self, outcome: Outcome, *, recorded: bool) -> None: ...

    def held(self, event: ClaimedEvent) -> None: ...

    def disabled(self, event: ClaimedEvent, *, reason: str) -> None: ...


class CatalogueJournal(Protocol):
    """Says what happens around the catalogue; never fails."""

    def not_told(self, notification: Notification, reason: str) -> None: ...

    def summary_looked_up(self, event_id: UUID, *, hit: bool) -> None: ...

    def summary_streamed(self, event_id: UUID, *, sent: int, of: int) -> None: ...


class Room(Protocol):
    """Whether there is room for more: on the database's disk, and in a project's quota."""

    def take(self, project_id: UUID, *, events: int = 0, size: int = 0) -> None:
        """Count what a project adds, without waiting for anything.

        Raises TryLater while the disk is nearly full, TooManyRequests beyond the quota.
        """
        ...
