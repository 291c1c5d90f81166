"""What happens to occurrences missed while the platform was down, paused or far behind.

An occurrence later than GRACE is missed; a younger one is merely late and always fires. Of the
missed, the policy `all` fires those within a window, `latest` only the newest, `none` nothing.
What is made up reaches one endpoint in turns, a PACE apart, however many triggers it has.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from triggerfish.domain.cron import count_fires, newest_fire
from triggerfish.domain.schedule import At, Every, Schedule, next_occurrence

CatchUpPolicy = Literal["all", "latest", "none"]

# A tick runs every second (every minute on AWS): a restart or a slow minute misses nothing.
GRACE = timedelta(seconds=60)
# Ten a second: an hour of a trigger that fires every second, the most frequent there is, is worked
# off in six minutes; an endpoint that answers within half a second never meets its concurrency cap.
PACE = timedelta(milliseconds=100)


@dataclass(frozen=True, slots=True)
class Skip:
    """A jump over occurrences: how many, the newest of them, and the first one not skipped."""

    count: int
    newest: datetime | None
    next_at: datetime | None


@dataclass(frozen=True, slots=True)
class Resume:
    """How to go on from a cursor: fire `make_up` (if any), count `skipped`, go on at `next_at`."""

    make_up: datetime | None
    skipped: int
    next_at: datetime | None


def resume(
    policy: CatchUpPolicy,
    schedule: Schedule,
    next_at: datetime,
    *,
    now: datetime,
    window: timedelta,
    fired: int = 0,
) -> Resume:
    """Apply the policy to everything missed since `next_at`, without listing it.

    What is left from the returned `next_at` on is to be fired, in batches, by `schedule.due`.
    """
    skip = skip_to(schedule, next_at, before=_fires_from(policy, now, window), fired=fired)
    if policy != "latest" or skip.newest is None:
        return Resume(None, skip.count, skip.next_at)
    after_make_up = skip.next_at
    if schedule.max_fires is not None and fired + 1 >= schedule.max_fires:
        after_make_up = None
    return Resume(skip.newest, skip.count - 1, after_make_up)


def catch_up(
    policy: CatchUpPolicy, occurrences: Sequence[datetime], *, now: datetime, window: timedelta
) -> tuple[list[datetime], int]:
    """Split due occurrences (ascending) into those to fire and the number skipped."""
    fires_from = _fires_from(policy, now, window)
    fire = [occurrence for occurrence in occurrences if occurrence >= fires_from]
    missed = len(occurrences) - len(fire)
    if policy == "latest" and missed:
        return [occurrences[missed - 1], *fire], missed - 1
    return fire, missed


def is_made_up(fire_at: datetime, now: datetime) -> bool:
    """Whether what should have fired at `fire_at` and fires now was missed, not merely late."""
    return fire_at < now - GRACE


def turns(
    endpoints: Iterable[str], *, now: datetime, last: Mapping[str, datetime]
) -> list[datetime]:
    """When each of several made-up firings is posted, given their endpoints in order.

    The first of an endpoint goes now, or a PACE after the `last` turn already taken there.
    """
    free_at = {endpoint: turn + PACE for endpoint, turn in last.items()}
    taken = []
    for endpoint in endpoints:
        turn = max(now, free_at.get(endpoint, now))
        free_at[endpoint] = turn + PACE
        taken.append(turn)
    return taken


def skip_to(schedule: Schedule, next_at: datetime, *, before: datetime, fired: int = 0) -> Skip:
    """Jump from the occurrence `next_at` over all occurrences earlier than `before`.

    Counts by arithmetic (by days for cron): a second's trigger down for a year costs microseconds.
    """
    end = before
    if schedule.end_at is not None:
        end = min(before, schedule.end_at + timedelta(microseconds=1))
    if next_at >= end:
        return Skip(0, None, next_at if next_at >= before else None)
    newest, count = _newest_and_count(schedule, next_at, end)
    return Skip(count, newest, next_occurrence(schedule, newest, fired))


def _newest_and_count(schedule: Schedule, start: datetime, end: datetime) -> tuple[datetime, int]:
    """The newest occurrence in [start, end) and how many there are; `start` is one of them."""
    rule = schedule.rule
    if isinstance(rule, At):
        return start, 1
    if isinstance(rule, Every):
        steps = -((start - end) // rule.interval) - 1  # whole intervals before the end
        return start + steps * rule.interval, steps + 1
    newest = newest_fire(rule.expression, rule.timezone, start, end)
    return newest, count_fires(rule.expression, rule.timezone, start, end)


def _fires_from(policy: CatchUpPolicy, now: datetime, window: timedelta) -> datetime:
    return now - (max(window, GRACE) if policy == "all" else GRACE)
