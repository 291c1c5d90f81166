"""How events of the catalogue look in the API: to their team, and to the public."""

from datetime import datetime
from typing import Any

from triggerfish.domain.catalogue_event import CatalogueEvent, PublicEvent, is_upcoming
from triggerfish.domain.catalogue_list import EventPage
from triggerfish.usecases.public_events import PublicPage


def event_view(event: CatalogueEvent, now: datetime) -> dict[str, Any]:
    """All of an event, as who manages it sees it."""
    return {
        "id": str(event.id),
        "title": event.title,
        "startAt": event.start_at,
        "endAt": event.end_at,
        "location": event.location,
        "isUpcoming": is_upcoming(event, now),
        "status": event.status.value,
        "internalNotes": event.internal_notes,
        "createdBy": event.created_by,
        "updatedAt": event.updated_at,
    }


def public_event_view(event: PublicEvent) -> dict[str, Any]:
    """What the public sees; made of a value that holds nothing else."""
    return {
        "id": str(event.id),
        "title": event.title,
        "startAt": event.start_at,
        "endAt": event.end_at,
        "location": event.location,
        "isUpcoming": event.is_upcoming,
        "status": event.status.value,
    }


def event_page_view(page: EventPage, now: datetime) -> dict[str, Any]:
    events = [event_view(event, now) for event in page.events]
    return {"events": events, "pagination": _pagination(page)}


def public_page_view(page: PublicPage) -> dict[str, Any]:
    events = [public_event_view(event) for event in page.events]
    return {"events": events, "pagination": _pagination(page.numbers)}


def _pagination(page: EventPage) -> dict[str, int]:
    return {
        "page": page.page,
        "limit": page.limit,
        "total": page.total,
        "totalPages": page.total_pages,
    }
