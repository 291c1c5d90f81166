"""The customers' endpoints: they answer, fail, hang or vanish, and keep what they got."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from tests.simulation.world import Process, World
from triggerfish.domain.exchange import OutboundRequest, Reply, SendFailure

HEALTHY = "answers"
MOODS = (HEALTHY, HEALTHY, "fails", "throttles", "hangs", "is slow", "loses the answer", "refuses")


@dataclass(frozen=True)
class Receipt:
    """One request as the endpoint saw it; `answered` is its status, None without an answer."""

    event_id: str
    at: datetime
    latest: datetime  # the latest that the platform's clock had ever shown
    headers: dict[str, str]
    body: bytes
    answered: int | None


@dataclass
class Endpoints:
    """All endpoints, by host name; each is in a mood that changes."""

    world: World
    moods: dict[str, str] = field(default_factory=dict)
    receipts: list[Receipt] = field(default_factory=list)

    async def answer(self, request: OutboundRequest) -> Reply | SendFailure:
        host = urlsplit(request.url).hostname or ""
        mood = self.moods.get(host, HEALTHY) if self.world.faults else HEALTHY
        match mood:
            case "refuses":
                return SendFailure("connection_refused", "")
            case "hangs":
                self._keep(request, None)
                await asyncio.sleep(request.timeout_seconds)
                return SendFailure("timeout", "")
            case "loses the answer":
                self._keep(request, 200)
                return SendFailure("connection_reset", "")
            case "is gone":
                self._keep(request, 410)
                return Reply(410, None, "")
            case "fails":
                self._keep(request, 500)
                return Reply(500, None, "broken")
            case "throttles":
                self._keep(request, 429)
                return Reply(429, float(self.world.random.choice((1, 20, 100))), "")
            case "is slow":
                await asyncio.sleep(self.world.random.uniform(0, request.timeout_seconds))
        self._keep(request, 200)
        return Reply(200, None, "ok")

    def _keep(self, request: OutboundRequest, answered: int | None) -> None:
        headers = {name.lower(): value for name, value in request.headers.items()}
        now = self.world.now()
        self.receipts.append(
            Receipt(headers["webhook-id"], now, self.world.latest, headers, request.body, answered)
        )


class SimulatedSender:
    """The `Sender` port of one process."""

    def __init__(self, endpoints: Endpoints, process: Process) -> None:
        self._endpoints = endpoints
        self._process = process

    async def post(self, request: OutboundRequest) -> Reply | SendFailure:
        event_id = request.headers["webhook-id"]
        await self._process.point(f"before the post of {event_id}")
        reply = await self._endpoints.answer(request)
        said = reply.status_code if isinstance(reply, Reply) else reply.kind
        self._process.world.note(self._process.name, f"posts {event_id}: {said}")
        await self._process.point(f"after the post of {event_id}")
        return reply

    async def aclose(self) -> None:
        """Nothing is open."""
