"""The composition root: reads the settings once and builds what each function needs, on first use.

Everything that holds connections belongs to one event loop, so there is one `Wiring` a loop: a
Lambda container has one loop, so does a local process, and each test its own.
"""

import asyncio
from functools import lru_cache
from weakref import WeakKeyDictionary

from triggerfish.adapters.behind import catch_up
from triggerfish.settings import Settings
from triggerfish.wiring.catalogue import CatalogueParts
from triggerfish.wiring.horizon import HorizonParts
from triggerfish.wiring.operations import OperationsParts
from triggerfish.wiring.triggers import TriggerParts


class Wiring(TriggerParts, OperationsParts, HorizonParts, CatalogueParts):
    """The parts of one process, each built when it is first needed."""

    async def close(self) -> None:
        await catch_up()
        if "job_changes" in self.__dict__:
            await self.job_changes.close()
        if "searches" in self.__dict__:
            await self.searches.close()
        if "database" in self.__dict__:
            await self.database.close()
        if "deliver" in self.__dict__:
            await self.sender.aclose()
        if "sqs" in self.__dict__:
            await self.sqs.close()


@lru_cache(maxsize=1)
def _settings() -> Settings:
    return Settings()


_wirings: WeakKeyDictionary[asyncio.AbstractEventLoop, Wiring] = WeakKeyDictionary()


def install(parts: Wiring) -> None:
    """Make `parts` those of the running event loop, for a host with a clock of its own."""
    _wirings[asyncio.get_running_loop()] = parts


def wiring() -> Wiring:
    """The parts that belong to the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _wirings:
        _wirings[loop] = Wiring(_settings())
    return _wirings[loop]


async def close_all() -> None:
    """Close the parts of every loop and forget the settings; the next use reads them anew.

    For a host that stops, or starts over in another environment; no function may be running.
    """
    running = asyncio.get_running_loop()
    for loop, parts in list(_wirings.items()):
        if loop is running:
            await parts.close()
        elif not loop.is_closed():
            await asyncio.to_thread(loop.run_until_complete, parts.close())
    _wirings.clear()
    _settings.cache_clear()
