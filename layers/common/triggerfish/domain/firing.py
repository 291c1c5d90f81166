"""What one look at a due trigger leads to: which occurrences fire, which are skipped, what is next."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from triggerfish.domain.schedule import Schedule, catch_up, due, jittered
from triggerfish.domain.trigger import CatchUp

MAX_OCCURRENCES_PER_LOOK = 100


@dataclass(frozen=True, slots=True)
class DueTrigger:
    """A trigger whose next occurrence lies within the look-ahead, locked for this transaction."""

    id: UUID
    revision_id: UUID
    schedule: Schedule
    next_occurrence_at: datetime
    fired_count: int
    catch_up: CatchUp
    catch_up_window: timedelta


@dataclass(frozen=True, slots=True)
class Firing:
    """One event to be written: due at `scheduled_for`, fired then or at the moment of catching up."""

    scheduled_for: datetime
    fired_at: datetime


@dataclass(frozen=True, slots=True)
class Plan:
    """What becomes of one due trigger; `next_occurrence_at` None completes it."""

    trigger: DueTrigger
    firings: tuple[Firing, ...]
    skipped: int
    next_occurrence_at: datetime | None
    next_fire_at: datetime | None
