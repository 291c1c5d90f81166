"""Retention: from an event's age to where it belongs. Active, then archived, then gone."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class View(StrEnum):
    ACTIVE = "active"
    ARCHIVED = "archived"


@dataclass(frozen=True, slots=True)
class RetentionPolicy:
    """`active` counts from `fired_at`; `archive` counts from the end of the active time."""

    active: timedelta
    archive: timedelta

    def archives_at(self, fired_at: datetime) -> datetime:
        return fired_at + self.active

    def expires_at(self, fired_at: datetime) -> datetime:
        return fired_at + self.active + self.archive

    def view_of(self, fired_at: datetime, now: datetime) -> View | None:
        """Where an event of this age belongs, None when it is past its end (or not fired yet)."""
        if fired_at > now or now >= self.expires_at(fired_at):
            return None
        return View.ACTIVE if now < self.archives_at(fired_at) else View.ARCHIVED

    def active_from(self, now: datetime) -> datetime:
        """Events fired after this instant are active."""
        return now - self.active

    def kept_from(self, now: datetime) -> datetime:
        """Events fired after this instant are kept, others are deleted."""
        return now - self.active - self.archive


def partition_hour(fired_at: datetime) -> datetime:
    """The start of the archive partition that holds an event fired at this instant (UTC hours)."""
    return fired_at.replace(minute=0, second=0, microsecond=0)
