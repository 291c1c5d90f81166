"""Stream the summary of a public event, piece by piece; its text is made once and remembered."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol
from uuid import UUID

from triggerfish.domain.catalogue_event import PublicEvent
from triggerfish.domain.catalogue_summary import chunks
from triggerfish.ports import CatalogueJournal, Clock
from triggerfish.usecases.public_events import PublicEventsDeps, get_public_event


class Summaries(Protocol):
    """Texts that are remembered; those who ask for the same at the same time share one making."""

    async def find(self, event: PublicEvent) -> tuple[str, bool]:
        """The text, and whether it was there already (or in the making for somebody else)."""
        ...


@dataclass(frozen=True, slots=True)
class StreamSummaryDeps:
    clock: Clock
    events: PublicEventsDeps
    summaries: Summaries
    journal: CatalogueJournal


@dataclass(frozen=True, slots=True)
class Summary:
    """A text on its way to one reader."""

    event_id: UUID
    text: str
    hit: bool


async def find_summary(event_id: UUID, d: StreamSummaryDeps) -> Summary:
    """The summary of an event that the public may see. Raises NotFound."""
    event = await get_public_event(event_id, d.events)
    text, hit = await d.summaries.find(event)
    d.journal.summary_looked_up(event_id, hit=hit)
    return Summary(event_id, text, hit)


async def stream_summary(
    summary: Summary, d: StreamSummaryDeps, *, delay: timedelta
) -> AsyncGenerator[str, None]:
    """Its pieces, `delay` apart. It is closed early when the reader goes away."""
    pieces, sent = list(chunks(summary.text)), 0
    try:
        for piece in pieces:
            if sent and delay:
                await d.clock.sleep_until(d.clock.now() + delay)
            yield piece
            sent += 1
    finally:
        d.journal.summary_streamed(summary.event_id, sent=sent, of=len(pieces))
