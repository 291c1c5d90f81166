"""Retention: from an event's age to where it belongs. Active, then archived, then gone."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

# Clocks of machines differ by this much at most, and are set back by no more.
CLOCKS = timedelta(minutes=1)
# No message comes later: a queue keeps one for 14 days at most, as many again once it is sent back.
MESSAGES_COME_WITHIN = timedelta(days=30)


class View(StrEnum):
    ACTIVE = "active"
    ARCHIVED = "archived"


@dataclass(frozen=True, slots=True)
class RetentionPolicy:
    """`active` counts from `fired_at`; `archive` counts from the end of the active time."""

    active: timedelta
    archive: timedelta

    @property
    def kept(self) -> timedelta:
        return self.active + self.archive

    def archives_at(self, fired_at: datetime) -> datetime:
        return fired_at + self.active

    def expires_at(self, fired_at: datetime) -> datetime:
        return fired_at + self.active + self.archive

    def view_of(self, fired_at: datetime, now: datetime) -> View | None:
        """Where an event of this age belongs, None when it is past its end (or not fired yet)."""
        if fired_at > now or now >= self.expires_at(fired_at):
            return None
        return View.ACTIVE if now < self.archives_at(fired_at) else View.ARCHIVED

    def has_expired(self, event_id: UUID, now: datetime) -> bool:
        """Whether an event of this id may have been, and is past its end by now.

        The id is all that is left of it. It begins with the time at which it was made (UUIDv7, RFC
        9562): when its event fired, or before.
        """
        if event_id.version != 7:
            return False
        made_at = (event_id.int >> 80) / 1000  # may lie beyond what a datetime holds
        until = self.kept_from(now) + CLOCKS
        return (until - MESSAGES_COME_WITHIN).timestamp() <= made_at <= until.timestamp()

    def active_from(self, now: datetime) -> datetime:
        """Events fired after this instant are active."""
        return now - self.active

    def kept_from(self, now: datetime) -> datetime:
        """Events fired after this instant are kept, others are deleted."""
        return now - self.active - self.archive


def partition_hour(fired_at: datetime) -> datetime:
    """The start of the archive partition that holds an event fired at this instant (UTC hours)."""
    return fired_at.replace(minute=0, second=0, microsecond=0)
