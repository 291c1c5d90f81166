"""What happens to occurrences missed while the platform was down, paused or far behind.

An occurrence that is later than its trigger's grace is missed; a younger one is merely late and
always fires. Of the missed, the policy `all` fires those within a window, `latest` only the newest,
`none` nothing. What is made up reaches one endpoint in turns, a PACE apart and the oldest first,
however many triggers it has and whenever they catch up.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from triggerfish.domain.cron import count_fires, newest_fire
from triggerfish.domain.schedule import At, Every, Schedule, next_occurrence

CatchUpPolicy = Literal["all", "latest", "none"]

# A tick runs every second (every minute on AWS): a restart or a slow minute misses nothing.
DEFAULT_GRACE_SECONDS = 60
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
    grace: timedelta,
    fired: int = 0,
) -> Resume:
    """Apply the policy to everything missed since `next_at`, without listing it.

    What is left from the returned `next_at` on is to be fired, in batches, by `schedule.due`.
    """
    skip = skip_to(schedule, next_at, before=_fires_from(policy, now, window, grace), fired=fired)
    if policy != "latest" or skip.newest is None:
        return Resume(None, skip.count, skip.next_at)
    after_make_up = skip.next_at
    if schedule.max_fires is not None and fired + 1 >= schedule.max_fires:
        after_make_up = None
    return Resume(skip.newest, skip.count - 1, after_make_up)


def is_made_up(fire_at: datetime, now: datetime, grace: timedelta) -> bool:
    """Whether what should have fired at `fire_at` and fires now was missed, not merely late."""
    return fire_at < now - grace


@dataclass(frozen=True, slots=True)
class Waiting:
    """An event that was made up earlier and waits for its turn at its endpoint."""

    id: UUID
    endpoint: str
    scheduled_for: datetime
    turn: datetime


def turns(
    missed: Sequence[tuple[str, datetime]], *, now: datetime, waiting: Sequence[Waiting]
) -> tuple[list[datetime], list[Waiting]]:
    """When each of several made-up firings is posted, given their endpoints and due times.

    They join what waits already: the oldest first, a PACE apart. The first goes now, or a PACE
    after the turn before it. Also returns those waiting that make room, with their new turns.
    """
    taken = dict[int, datetime]()
    moved = list[Waiting]()
    for endpoint, queue in _queues(missed).items():
        there = [one for one in waiting if one.endpoint == endpoint]
        stay = [one.turn for one in there if one.turn <= now or one.scheduled_for <= queue[0][0]]
        turn = max(now, max(stay, default=now - PACE) + PACE)
        queue += [(one.scheduled_for, one) for one in there if one.turn > max(stay, default=now)]
        for _, one in sorted(queue, key=lambda entry: entry[0]):
            if not isinstance(one, Waiting):
                taken[one] = turn
            elif one.turn != turn:
                moved.append(replace(one, turn=turn))
            turn += PACE
    return [taken[n] for n in range(len(missed))], moved


def _queues(
    missed: Sequence[tuple[str, datetime]],
) -> dict[str, list[tuple[datetime, "int | Waiting"]]]:
    """For each endpoint, the places and due times of its missed firings, the oldest first."""
    queues = defaultdict[str, list[tuple[datetime, int | Waiting]]](list)
    for n, (endpoint, due_at) in sorted(enumerate(missed), key=lambda entry: entry[1][1]):
        queues[endpoint].append((due_at, n))
    return queues


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


def _fires_from(
    policy: CatchUpPolicy, now: datetime, window: timedelta, grace: timedelta
) -> datetime:
    return now - (max(window, grace) if policy == "all" else grace)
