"""The fixture `live`: the API behind a real server, where sockets can be opened."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.conftest import API_KEY
from tests.integration.horizon.watching import Live, served
from tests.integration.lanes import serving
from triggerfish.settings import Settings
from triggerfish.wiring.upkeep import migrate


@pytest.fixture
async def live(settings: Settings) -> AsyncIterator[Live]:
    first = settings.model_copy(update={"bootstrap_api_key": API_KEY})
    await asyncio.to_thread(migrate, first)
    environment = {
        "TRIGGERFISH_IMPORTS_QUEUE_URL": settings.imports_queue_url,
        "TRIGGERFISH_OBJECT_STORE": settings.object_store,
        "TRIGGERFISH_HORIZON_WEBSOCKET_ORIGINS": "https://app.example.com",
    }
    async with serving("native", settings.database_url, environment) as api, served() as address:
        yield Live(api, settings, address)
