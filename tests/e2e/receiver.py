"""A customer's endpoint for tests without a loop of their own: tests.receiver's, in a thread."""

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from tests.receiver import Delivery, Receiver


class Endpoint:
    """What a test sees of the receiver; lists of deliveries only grow, so they are read freely."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver

    def url(self, path: str = "/hook") -> str:
        return self._receiver.url(path)

    def slow_down(self, seconds: float, below: str = "/") -> None:
        """Let every answer to paths that begin so take this long from now on."""
        self._receiver.slow_path = below
        self._receiver.answer_after_seconds = seconds

    def answer(self, *statuses: int) -> None:
        """Answer with these in turn; the last one stays."""
        self._receiver.answer(*statuses)

    def deliveries(self, below: str = "/") -> list[Delivery]:
        """What has arrived at `below` and the paths under it, oldest first."""
        prefix = below.rstrip("/") + "/"
        return [one for one in list(self._receiver.deliveries) if f"{one.path}/".startswith(prefix)]

    def event_ids(self, below: str = "/") -> Counter[str]:
        """How often each event (`webhook-id`) has arrived there."""
        return Counter(one.headers["webhook-id"] for one in self.deliveries(below))

    @property
    def port(self) -> int:
        return int(urlsplit(self.url()).port or 0)


@contextmanager
def listening() -> Iterator[Endpoint]:
    """An endpoint on a free loopback port while the block lasts."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="receiver")
    thread.start()
    receiver = Receiver()
    try:
        asyncio.run_coroutine_threadsafe(receiver.start(), loop).result(timeout=10)
        yield Endpoint(receiver)
    finally:
        asyncio.run_coroutine_threadsafe(receiver.stop(), loop).result(timeout=70)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(timeout=10)
        loop.close()
