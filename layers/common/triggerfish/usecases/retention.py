"""Retention: move events into the archive, delete what is expired, drop what is empty."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from triggerfish.domain import operational_event
from triggerfish.domain.retention import RetentionPolicy
from triggerfish.ports import Clock, Heartbeats

BATCH = 5_000
# Bounds one run; what is left is taken by the next, a minute later.
MAX_BATCHES = 200


class RetentionStore(Protocol):
    """Each call is bounded and safe to repeat or to run twice at once."""

    async def make_partitions(self, *, fired_until: datetime) -> None: ...

    async def move(self, *, fired_until: datetime, limit: int) -> int: ...

    async def drop_partitions(self, *, fired_until: datetime) -> tuple[int, int]:
        """How many partitions were dropped, and how many rows with them."""
        ...

    async def delete_expired(self, *, fired_until: datetime, limit: int) -> int: ...

    async def delete_retired_revisions(self, *, retired_until: datetime) -> int: ...

    async def delete_expired_keys(self, *, now: datetime, limit: int) -> int: ...

    async def forget_withdrawn(self, *, fired_until: datetime) -> None: ...

    async def delete_operational_events(self, *, until: datetime) -> None: ...

    async def roll_up_statistics(self, *, until: datetime) -> None: ...


@dataclass(frozen=True, slots=True)
class RetentionDeps:
    clock: Clock
    store: RetentionStore
    policy: RetentionPolicy
    heartbeats: Heartbeats


@dataclass(frozen=True, slots=True)
class RetentionReport:
    """What a run did, as its log line and heartbeat say it.

    `deleted` counts all rows, also those that went with their partition.
    """

    deleted: int
    dropped_partitions: int
    moved: int

    def counts(self) -> dict[str, int]:
        return {
            "deleted": self.deleted,
            "dropped_partitions": self.dropped_partitions,
            "moved": self.moved,
        }


async def run_retention(d: RetentionDeps) -> RetentionReport:
    """After a run nothing past its end exists, and nothing past its active time is active.

    Expired events go first, so that none is moved only to be deleted.
    """
    now = d.clock.now()
    archived, expired = d.policy.active_from(now), d.policy.kept_from(now)
    dropped, dropped_rows = await d.store.drop_partitions(fired_until=expired)
    deleted = await _in_batches(lambda: d.store.delete_expired(fired_until=expired, limit=BATCH))
    await d.store.make_partitions(fired_until=archived)
    moved = await _in_batches(lambda: d.store.move(fired_until=archived, limit=BATCH))
    await d.store.delete_retired_revisions(retired_until=expired)
    await _in_batches(lambda: d.store.delete_expired_keys(now=now, limit=BATCH))
    await d.store.forget_withdrawn(fired_until=expired)
    await d.store.delete_operational_events(until=now - operational_event.KEPT)
    await d.store.roll_up_statistics(until=expired)
    report = RetentionReport(deleted + dropped_rows, dropped, moved)
    ended = d.clock.now()
    elapsed_ms = round((ended - now).total_seconds() * 1000)
    await d.heartbeats.beat("retention", now=ended, duration_ms=elapsed_ms, counts=report.counts())
    return report


async def _in_batches(step: Callable[[], Awaitable[int]]) -> int:
    total = 0
    for _ in range(MAX_BATCHES):
        done = await step()
        total += done
        if done < BATCH:
            break
    return total
