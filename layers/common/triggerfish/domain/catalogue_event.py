"""Events of the catalogue: their states, what a change may do, and what the public sees of them.

DRAFT ──► PUBLISHED ──► CANCELLED
  └───────────────────────►
"""

import unicodedata
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from triggerfish.domain.catalogue_notification import News
from triggerfish.domain.errors import Conflict


class CatalogueStatus(StrEnum):
    DRAFT = "DRAFT"
    PUBLISHED = "PUBLISHED"
    CANCELLED = "CANCELLED"


# Every transition there is, and what it is to those who follow the catalogue.
TRANSITIONS = {
    (CatalogueStatus.DRAFT, CatalogueStatus.PUBLISHED): News.PUBLISHED,
    (CatalogueStatus.DRAFT, CatalogueStatus.CANCELLED): News.CANCELLED,
    (CatalogueStatus.PUBLISHED, CatalogueStatus.CANCELLED): News.CANCELLED,
}
PUBLIC_STATUSES = (CatalogueStatus.PUBLISHED, CatalogueStatus.CANCELLED)


@dataclass(frozen=True, slots=True)
class CatalogueEvent:
    """An event as the team that manages it knows it; `version` counts its changes."""

    id: UUID
    title: str
    start_at: datetime
    end_at: datetime
    location: str
    status: CatalogueStatus
    internal_notes: str | None
    created_by: str
    updated_at: datetime
    version: int = 1


@dataclass(frozen=True, slots=True)
class PublicEvent:
    """All that the public may know of an event. What is not a field here never gets out."""

    id: UUID
    title: str
    start_at: datetime
    end_at: datetime
    location: str
    is_upcoming: bool
    status: CatalogueStatus


@dataclass(frozen=True, slots=True)
class EventChange:
    """What a PATCH asks for; `new_notes` is None where the notes shall stay, and a 1-tuple else."""

    status: CatalogueStatus | None = None
    new_notes: tuple[str | None] | None = None


def is_upcoming(event: CatalogueEvent, now: datetime) -> bool:
    return event.start_at > now


def publish(event: CatalogueEvent, now: datetime) -> PublicEvent | None:
    """What the public sees of an event, None of a draft."""
    if event.status not in PUBLIC_STATUSES:
        return None
    return PublicEvent(
        event.id,
        event.title,
        event.start_at,
        event.end_at,
        event.location,
        is_upcoming(event, now),
        event.status,
    )


def change_event(
    event: CatalogueEvent, change: EventChange, now: datetime
) -> tuple[CatalogueEvent, News | None]:
    """The event after a change, and the news that it makes if any. Raises Conflict.

    Its own status is no transition either: of two who publish at the same time one is told so.
    """
    news = None if change.status is None else _transition(event.status, change.status)
    changed = replace(
        event,
        status=change.status or event.status,
        internal_notes=change.new_notes[0] if change.new_notes else event.internal_notes,
        updated_at=now,
        version=event.version + 1,
    )
    return changed, news


def fold(text: str) -> str:
    """A text as searches compare it: without case, however its letters were composed."""
    return unicodedata.normalize("NFKC", text).casefold()


def _transition(old: CatalogueStatus, new: CatalogueStatus) -> News:
    news = TRANSITIONS.get((old, new))
    if news is None:
        raise Conflict(f"An event that is {old.value} cannot become {new.value}.")
    return news
