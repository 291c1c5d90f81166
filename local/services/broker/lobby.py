"""Where long polls wait: who is parked on which queue, and who is woken when."""

import asyncio
from collections.abc import Callable

from local.services.broker.queue import Queue

Clock = Callable[[], float]

_SHORTEST_NAP_SECONDS = 0.001  # the event loop's timers may fire a hair before the clock says so


class Client:
    """The caller of one request; `gone` once it hung up."""

    def __init__(self, hangs_up: Callable[[], "asyncio.Future[object]"]) -> None:
        self._hangs_up = hangs_up
        self._watch: asyncio.Future[object] | None = None
        self.gone = False

    def watch(self, wake: Callable[[], None]) -> None:
        """Call `wake` when the client hangs up; costs nothing for polls that never park."""
        if self._watch is None:
            self._watch = self._hangs_up()
            self._watch.add_done_callback(lambda _: self._left(wake))

    def unwatch(self) -> None:
        if self._watch is not None:
            self._watch.cancel()

    def _left(self, wake: Callable[[], None]) -> None:
        self.gone = True
        wake()


class Lobby:
    """Parked polls of all queues, in order of arrival, and one timer for what becomes due next."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._parked: dict[Queue, dict[asyncio.Event, None]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self.closed = False

    async def park(self, queue: Queue, woken: asyncio.Event, seconds: float) -> None:
        """Wait until `woken` is set, mostly as `queue` may have a message, or time is up."""
        woken.clear()
        self._parked.setdefault(queue, {})[woken] = None
        self._set_timer()
        try:
            async with asyncio.timeout(seconds):
                await woken.wait()
        except TimeoutError:
            pass
        finally:
            self._leave(queue, woken)

    def serve(self) -> None:
        """Wake as many polls as can be served. To be called after anything that changes a queue."""
        if not self._parked:
            return
        now = self._clock()
        for queue, parked in self._parked.items():
            for woken, _ in zip(parked, range(queue.available(now)), strict=False):
                woken.set()
        self._set_timer()

    def wake_all(self, queue: Queue | None = None) -> None:
        """Make the polls of one queue, or of all, look again."""
        for parked in [self._parked.get(queue, {})] if queue else self._parked.values():
            for woken in parked:
                woken.set()

    def close(self) -> None:
        """End every long poll now; later ones do not wait."""
        self.closed = True
        self.wake_all()

    def _leave(self, queue: Queue, woken: asyncio.Event) -> None:
        parked = self._parked[queue]
        del parked[woken]
        if not parked:
            del self._parked[queue]

    def _set_timer(self) -> None:
        dues = [due for queue in self._parked if (due := queue.next_due()) is not None]
        if self._timer is not None:
            if dues and self._timer_at <= min(dues):
                return  # it fires early enough, and then looks again
            self._timer.cancel()
            self._timer = None
        if dues:
            self._timer_at = min(dues)
            nap = max(self._timer_at - self._clock(), _SHORTEST_NAP_SECONDS)
            self._timer = asyncio.get_running_loop().call_later(nap, self._ring)

    def _ring(self) -> None:
        self._timer = None
        self.serve()
