"""The fixture `api`: every test that takes it runs once through each lane."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.conftest import API_KEY
from tests.integration.lanes import LANES, Api, serving
from triggerfish.settings import Settings
from triggerfish.wiring.upkeep import migrate


@pytest.fixture(params=LANES)
def lane(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def api(lane: str, settings: Settings) -> AsyncIterator[Api]:
    """The API over a fresh database and a mocked queue."""
    first = settings.model_copy(update={"bootstrap_api_key": API_KEY})
    await asyncio.to_thread(migrate, first)
    queues = {
        "TRIGGERFISH_DELIVERIES_QUEUE_URL": settings.deliveries_queue_url,
        "TRIGGERFISH_DELIVERIES_DLQ_URL": settings.deliveries_dlq_url,
        "TRIGGERFISH_IMPORTS_QUEUE_URL": settings.imports_queue_url,
        "TRIGGERFISH_IMPORTS_DLQ_URL": settings.imports_dlq_url,
        "TRIGGERFISH_OBJECT_STORE": settings.object_store,
        "TRIGGERFISH_NOTIFICATIONS_QUEUE_URL": settings.notifications_queue_url,
        "TRIGGERFISH_NOTIFICATIONS_DLQ_URL": settings.notifications_dlq_url,
    }
    async with serving(lane, settings.database_url, queues) as api:
        yield api
