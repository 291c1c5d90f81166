"""A customer's endpoint for tests: a real HTTP server that keeps what it gets and answers as told."""

import asyncio
import time
from dataclasses import dataclass, field

from aiohttp import web


@dataclass(frozen=True)
class Delivery:
    """One request; `arrived_at` is the wall clock in Unix seconds, `target` path and query as sent."""

    arrived_at: float
    path: str
    headers: dict[str, str]
    body: bytes
    target: str = ""


@dataclass
class Receiver:
    """Answers 200 unless `answers` holds others, taken in order; the last one stays.

    An answer to a path that begins with `slow_path` takes `answer_after_seconds`; every answer
    waits for `hold` where that is set.
    """

    deliveries: list[Delivery] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    most_at_once: int = 0
    answer_after_seconds: float = 0.0
    slow_path: str = "/"
    hold: asyncio.Event | None = None
    port: int = 0
    _at_once: int = 0
    _runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._receive)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    def url(self, path: str = "/hook") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def answer(self, *statuses: int, headers: dict[str, str] | None = None) -> None:
        self.answers = [(status, headers or {}) for status in statuses]

    async def _receive(self, request: web.Request) -> web.Response:
        arrived_at = time.time()
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            body = await request.read()
            self.deliveries.append(
                Delivery(
                    arrived_at,
                    request.path,
                    {name.lower(): value for name, value in request.headers.items()},
                    body,
                    request.raw_path,
                )
            )
            if self.answer_after_seconds and request.path.startswith(self.slow_path):
                await asyncio.sleep(self.answer_after_seconds)
            if self.hold is not None:
                await self.hold.wait()
            return self._reply()
        finally:
            self._at_once -= 1

    def _reply(self) -> web.Response:
        if not self.answers:
            return web.Response(text="ok")
        status, headers = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return web.Response(status=status, headers=headers, text=f"answered {status}")
