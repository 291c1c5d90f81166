"""Remembered summaries: one making for a burst, a bound, and nothing remembered of a failure."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from triggerfish.adapters.summaries import RememberedSummaries
from triggerfish.domain.catalogue_event import CatalogueStatus, PublicEvent
from triggerfish.domain.errors import TryLater

START = datetime(2030, 9, 25, 19, 30, tzinfo=UTC)
EVENT = PublicEvent(
    UUID(int=1), "Jazz", START, START + timedelta(hours=3), "Berlin", True, CatalogueStatus.DRAFT
)


class Model:
    """A summariser that takes its time: until it is let go."""

    def __init__(self, error: Exception | None = None) -> None:
        self.asked: list[str] = []
        self.go = asyncio.Event()
        self.error = error

    async def summarise(self, event: PublicEvent) -> str:
        self.asked.append(event.title)
        await self.go.wait()
        if self.error is not None:
            raise self.error
        return f"All about {event.title}"


async def test_200_who_ask_at_once_have_it_made_once_and_one_of_them_missed():
    model = Model()
    summaries = RememberedSummaries(model, remembered=10)
    async with asyncio.TaskGroup() as group:
        readers = [group.create_task(summaries.find(EVENT)) for _ in range(200)]
        await asyncio.sleep(0)
        model.go.set()
    assert model.asked == ["Jazz"]
    found = [reader.result() for reader in readers]
    assert {text for text, _ in found} == {"All about Jazz"}
    assert [hit for _, hit in found].count(False) == 1
    assert await summaries.find(EVENT) == ("All about Jazz", True)


async def test_the_others_get_their_text_when_the_first_reader_goes_away():
    model = Model()
    summaries = RememberedSummaries(model, remembered=10)
    first = asyncio.create_task(summaries.find(EVENT))
    second = asyncio.create_task(summaries.find(EVENT))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait([first])
    assert first.cancelled()
    model.go.set()
    assert await second == ("All about Jazz", True)
    assert model.asked == ["Jazz"]


async def test_another_state_of_an_event_is_another_text():
    model = Model()
    model.go.set()
    summaries = RememberedSummaries(model, remembered=10)
    for event in (EVENT, replace(EVENT, title="Blues"), replace(EVENT, is_upcoming=False)):
        assert (await summaries.find(event))[1] is False
        assert (await summaries.find(event))[1] is True


async def test_no_more_is_remembered_than_the_bound():
    model = Model()
    model.go.set()
    summaries = RememberedSummaries(model, remembered=2)
    for title in ("a", "b", "a", "c", "a", "b"):
        await summaries.find(replace(EVENT, title=title))
    assert model.asked == ["a", "b", "c", "b"]


async def test_a_failure_is_told_to_all_who_wait_and_made_anew_for_the_next():
    model = Model(error=TryLater("The model is away."))
    model.go.set()
    summaries = RememberedSummaries(model, remembered=10)
    failed = await asyncio.gather(
        *(summaries.find(EVENT) for _ in range(3)), return_exceptions=True
    )
    assert [type(error) for error in failed] == [TryLater] * 3
    model.error = None
    assert await summaries.find(EVENT) == ("All about Jazz", False)
