"""What a change makes of a trigger: edited, paused, resumed; pure rules on where it stands.

The look-ahead writes events a moment before they are due. A change takes back those that are not
due yet, so that they fire under the new configuration, or not at all, as if nobody had looked.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import takewhile
from uuid import UUID

from triggerfish.domain.errors import Conflict
from triggerfish.domain.schedule import Schedule, jittered, next_occurrence, occurrences
from triggerfish.domain.trigger import FIRING, Definition, Revision, Trigger, TriggerStatus

_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Standing:
    """A trigger and the next occurrence of its schedule (None when it has none to fire)."""

    trigger: Trigger
    occurrence_at: datetime | None


def take_back(standing: Standing, ahead: Collection[datetime]) -> Standing:
    """Where a trigger stands without its events that are not due yet, given their fire times."""
    trigger, schedule = standing.trigger, standing.trigger.revision.definition.schedule
    if not ahead or schedule is None:
        return standing
    status = trigger.status
    if status is TriggerStatus.COMPLETED:  # by the look-ahead: its last occurrence is to come
        status = TriggerStatus.ACTIVE
    trigger = replace(trigger, status=status, fired_count=trigger.fired_count - len(ahead))
    return _at(trigger, _earliest(schedule, ahead, str(trigger.id)))


def paused(standing: Standing, now: datetime) -> Standing:
    """Stop firing. Raises Conflict for a trigger that has ended or is disabled."""
    trigger = standing.trigger
    match trigger.status:
        case TriggerStatus.PAUSED:
            return standing
        case TriggerStatus.ACTIVE:
            stopped = replace(trigger, status=TriggerStatus.PAUSED, updated_at=now)
            return _at(stopped, None)
        case TriggerStatus.COMPLETED:
            raise Conflict("The trigger is completed: it has nothing left to pause.")
        case TriggerStatus.DISABLED:
            raise Conflict("The trigger is disabled: its events are held until it is resumed.")


def resumed(standing: Standing, now: datetime) -> Standing:
    """Fire again from now on; what was due meanwhile is not made up.

    A disabled trigger is enabled; its held events stay held. Raises Conflict for one that has
    fired for the last time.
    """
    trigger = standing.trigger
    match trigger.status:
        case TriggerStatus.ACTIVE:
            return standing
        case TriggerStatus.COMPLETED:
            raise Conflict("The trigger is completed: give it a new schedule to start it again.")
        case TriggerStatus.PAUSED | TriggerStatus.DISABLED:
            enabled = replace(trigger, disabled=None, failing_since=None, updated_at=now)
            return _started(replace(enabled, status=TriggerStatus.ACTIVE), now)


def revised(
    standing: Standing, definition: Definition, *, now: datetime, revision_id: UUID, author: str
) -> Standing:
    """Take a new definition; the signing secret stays. The same definition changes nothing.

    With its schedule kept, a trigger fires the same occurrences as before. A new schedule starts
    from now, counts its own fires, and makes a completed trigger active.
    """
    trigger, old = standing.trigger, standing.trigger.revision
    if _same(definition, old.definition):
        return standing
    revision = Revision(revision_id, old.number + 1, definition, old.secrets, now, author)
    trigger = replace(trigger, revision=revision, failing_since=None, updated_at=now)
    if definition.schedule == old.definition.schedule:
        return _at(trigger, standing.occurrence_at)
    trigger = replace(trigger, fired_count=0)
    if trigger.status is TriggerStatus.PAUSED:
        return _at(trigger, None)
    if trigger.status is TriggerStatus.COMPLETED:
        trigger = replace(trigger, status=TriggerStatus.ACTIVE)
    return _started(trigger, now)


def _same(one: Definition, other: Definition) -> bool:
    """Whether two definitions are equal; to Python alone, the schemas' `true` and `1` are."""
    return one == other and json.dumps(one.schema) == json.dumps(other.schema)


def _started(trigger: Trigger, now: datetime) -> Standing:
    """Firing from now on; an active one is completed if its schedule has no more occurrence."""
    schedule = trigger.revision.definition.schedule
    if schedule is None:
        return _at(trigger, None)
    seed = str(trigger.id)
    # One that waits for its jitter has not fired yet: it is still to come.
    after = now - timedelta(seconds=schedule.jitter_seconds)
    occurrence = next_occurrence(schedule, after, trigger.fired_count)
    while occurrence is not None and jittered(occurrence, schedule.jitter_seconds, seed) <= now:
        occurrence = next_occurrence(schedule, occurrence, trigger.fired_count)
    if occurrence is None and trigger.status is TriggerStatus.ACTIVE:
        return _at(replace(trigger, status=TriggerStatus.COMPLETED), None)
    return _at(trigger, occurrence)


def _at(trigger: Trigger, occurrence: datetime | None) -> Standing:
    """The trigger with its cursor at an occurrence; only one that fires has a cursor."""
    schedule = trigger.revision.definition.schedule
    if trigger.status not in FIRING or occurrence is None or schedule is None:
        return Standing(replace(trigger, next_fire_at=None), None)
    fire_at = jittered(occurrence, schedule.jitter_seconds, str(trigger.id))
    return Standing(replace(trigger, next_fire_at=fire_at), occurrence)


def _earliest(schedule: Schedule, fire_times: Collection[datetime], seed: str) -> datetime:
    """The first occurrence among those that fire at the given times."""
    after = min(fire_times) - timedelta(seconds=schedule.jitter_seconds) - _MICROSECOND
    latest, unbounded = max(fire_times), replace(schedule, max_fires=None)
    return next(
        occurrence
        for occurrence in takewhile(lambda at: at <= latest, occurrences(unbounded, after))
        if jittered(occurrence, schedule.jitter_seconds, seed) in fire_times
    )
