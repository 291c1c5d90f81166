"""Summaries of public events: a text of 50 to 100 tokens, its chunks, and what it depends on.

A token is a word with what clings to it: what stands between two spaces.
"""

import hashlib
import json
from collections.abc import Iterator
from datetime import datetime
from itertools import cycle

from triggerfish.domain.catalogue_event import CatalogueStatus, PublicEvent
from triggerfish.domain.timestamps import format_rfc3339

MAX_CHUNK = 5
# With all other words at their most, titles and locations of this length still fit.
TITLE_TOKENS = 16
LOCATION_TOKENS = 14
_SIZES = (3, 4, 2, 5)


def summary_text(event: PublicEvent) -> str:
    """What, where, when and what to do, from the public fields alone; the same for the same."""
    title, place = _first(event.title, TITLE_TOKENS), _first(event.location, LOCATION_TOKENS)
    return " ".join(
        (
            _opening(event, title),
            "It was planned" if event.status is CatalogueStatus.CANCELLED else "It takes place",
            f"at {place}, starting on {_moment(event.start_at)}",
            f"and ending on {_moment(event.end_at)}, with all times given in UTC.",
            _call_to_action(event),
        )
    )


def summary_key(event: PublicEvent) -> bytes:
    """A hash of all that the text depends on: another title, place, time or state is another."""
    fields = (
        str(event.id),
        event.title,
        format_rfc3339(event.start_at),
        format_rfc3339(event.end_at),
        event.location,
        event.is_upcoming,
        event.status.value,
    )
    return hashlib.blake2b(json.dumps(fields).encode(), digest_size=16).digest()


def chunks(text: str) -> Iterator[str]:
    """The text in pieces of 2 to 5 tokens; put one after the other they are the text."""
    tokens, sizes, start = text.split(), cycle(_SIZES), 0
    while start < len(tokens):
        size = next(sizes)
        if len(tokens) - start - size == 1:  # none shall be left alone
            size += 1 if size < MAX_CHUNK else -1
        end = start + size
        yield " ".join(tokens[start:end]) + (" " if end < len(tokens) else "")
        start = end


def _opening(event: PublicEvent, title: str) -> str:
    if event.status is CatalogueStatus.CANCELLED:
        return f"Please note that {title} has been cancelled and will not take place as planned."
    if event.is_upcoming:
        return f"Join us for {title}, an event that you can still look forward to."
    return f"Here is what to know about {title}, an event that has already begun or ended."


def _call_to_action(event: PublicEvent) -> str:
    if event.status is CatalogueStatus.CANCELLED:
        return (
            "If you already hold a ticket, contact us about a refund, "
            "and have a look at our other events to find something new."
        )
    if event.is_upcoming:
        return (
            "Places are limited, so get your tickets now, tell your friends, "
            "and mark the date in your calendar today."
        )
    return (
        "Have a look at our other events, tell your friends about them, "
        "and be the first to get tickets next time."
    )


def _moment(at: datetime) -> str:
    """`Tuesday, 5 March 2030 at 19:30`, without the locale, which differs from host to host."""
    day = _DAYS[at.weekday()]
    return f"{day}, {at.day} {_MONTHS[at.month - 1]} {at.year} at {at:%H:%M}"


def _first(text: str, most: int) -> str:
    tokens = text.split()
    return " ".join(tokens) if len(tokens) <= most else " ".join(tokens[:most]) + "…"


_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
