"""What one look at a due trigger leads to: what fires, what is skipped, and what is next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import takewhile
from uuid import UUID

from triggerfish.domain.catch_up import (
    DEFAULT_GRACE_SECONDS,
    CatchUpPolicy,
    Waiting,
    is_made_up,
    resume,
    turns,
)
from triggerfish.domain.delivery import EventRef
from triggerfish.domain.endpoint_limits import receiver_of
from triggerfish.domain.schedule import Schedule, due, first_occurrence, jittered

# Bounds the rows one look writes for one trigger; what is left is taken by the next look.
MAX_OCCURRENCES = 100


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a schedule stands: the next occurrence, and the instant it fires at with its jitter."""

    occurrence_at: datetime | None
    fire_at: datetime | None


@dataclass(frozen=True, slots=True)
class DueTrigger:
    """A trigger whose next occurrence lies within the look-ahead, locked for this transaction."""

    id: UUID
    revision_id: UUID
    schedule: Schedule
    next_occurrence_at: datetime
    fired_count: int
    catch_up: CatchUpPolicy
    catch_up_window: timedelta
    endpoint_key: str
    catch_up_grace: timedelta = timedelta(seconds=DEFAULT_GRACE_SECONDS)


@dataclass(frozen=True, slots=True)
class Firing:
    """One event to write: due at `scheduled_for`, fired then or at the moment of catching up.

    `turn` is set for one that is made up: it is not posted before.
    """

    scheduled_for: datetime
    fired_at: datetime
    turn: datetime | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What becomes of one due trigger; a cursor at None completes it."""

    trigger: DueTrigger
    firings: tuple[Firing, ...]
    skipped: int
    next: Cursor


@dataclass(frozen=True, slots=True)
class Batch:
    """What becomes of a batch of due triggers, and of made-up events that make room for theirs."""

    plans: list[Plan]
    moved: list[Waiting] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Fired:
    """What one batch came to: triggers claimed, events written, occurrences skipped."""

    claimed: int
    refs: list[EventRef]
    skipped: int


def first_cursor(schedule: Schedule, *, now: datetime, seed: str) -> Cursor:
    """Where a new trigger starts; `seed` (its id) makes its jitter its own."""
    return _cursor(schedule, first_occurrence(schedule, now), seed)


def plan(trigger: DueTrigger, *, now: datetime, until: datetime) -> Plan:
    """Decide what fires by `until`: what was missed, by the catch-up policy, then what is due."""
    schedule, seed = trigger.schedule, str(trigger.id)
    resumed = resume(
        trigger.catch_up,
        schedule,
        trigger.next_occurrence_at,
        # An occurrence waits for its jitter by design; only what is later than that is missed.
        now=now - timedelta(seconds=schedule.jitter_seconds),
        window=trigger.catch_up_window,
        grace=trigger.catch_up_grace,
        fired=trigger.fired_count,
    )
    fire = (
        []
        if resumed.make_up is None
        else [jittered(resumed.make_up, schedule.jitter_seconds, seed)]
    )
    next_at = resumed.next_at
    if next_at is not None:
        taken, next_at = _take(trigger, next_at, until=until, fired=trigger.fired_count + len(fire))
        fire += taken
    firings = tuple(Firing(at, max(at, now)) for at in fire)
    return Plan(trigger, firings, resumed.skipped, _cursor(schedule, next_at, seed))


def plan_batch(
    due: Sequence[DueTrigger], *, now: datetime, until: datetime, waiting: Sequence[Waiting] = ()
) -> Batch:
    """Plan all of a batch. What is made up takes turns at its endpoint, the oldest first.

    `waiting` is what waits there for its turn. What is on time, or merely late, does not wait.
    """
    plans = [plan(trigger, now=now, until=until) for trigger in due]
    missed = [
        (n, m, firing.scheduled_for)
        for n, planned in enumerate(plans)
        for m, firing in enumerate(planned.firings)
        if is_made_up(firing.scheduled_for, now, planned.trigger.catch_up_grace)
    ]
    if not missed:
        return Batch(plans)
    taken, moved = turns(
        [(receiver_of(due[n].endpoint_key), due_at) for n, _, due_at in missed],
        now=now,
        waiting=waiting,
    )
    turn_of = {(n, m): turn for (n, m, _), turn in zip(missed, taken, strict=True)}
    return Batch([_with_turns(planned, n, turn_of) for n, planned in enumerate(plans)], moved)


def _with_turns(planned: Plan, n: int, turn_of: Mapping[tuple[int, int], datetime]) -> Plan:
    firings = (
        replace(firing, turn=turn_of.get((n, m))) for m, firing in enumerate(planned.firings)
    )
    return replace(planned, firings=tuple(firings))


def _take(
    trigger: DueTrigger, next_at: datetime, *, until: datetime, fired: int
) -> tuple[list[datetime], datetime | None]:
    """The fire times by `until` (with jitter), and the first occurrence that is not among them."""
    schedule, seed = trigger.schedule, str(trigger.id)
    occurrences, after = due(schedule, next_at, until=until, fired=fired, limit=MAX_OCCURRENCES)
    fire_times = [jittered(at, schedule.jitter_seconds, seed) for at in occurrences]
    taken = list(takewhile(lambda at: at <= until, fire_times))
    return taken, after if len(taken) == len(occurrences) else occurrences[len(taken)]


def _cursor(schedule: Schedule, occurrence: datetime | None, seed: str) -> Cursor:
    if occurrence is None:
        return Cursor(None, None)
    return Cursor(occurrence, jittered(occurrence, schedule.jitter_seconds, seed))
