"""The customers' endpoints: they answer, fail, hang or vanish, and keep what they got."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from tests.simulation.world import Process, World
from triggerfish.domain.exchange import OutboundRequest, Reply, SendFailure

LEASE_MARGIN_SECONDS = 9.0
"""A lease outlives its endpoint's time limit by 10 s; the post begins a moment after the claim."""
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
    """All endpoints, by host name; each is in a mood that changes.

    `doubled` tells of posts that began while another of their event held its lease.
    """

    world: World
    moods: dict[str, str] = field(default_factory=dict)
    receipts: list[Receipt] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    pace_seconds: float = 0.0  # how long a healthy one takes at most
    _held: dict[str, tuple[float, timedelta]] = field(default_factory=dict)

    def begin(self, request: OutboundRequest) -> None:
        """A worker begins to post. Only a jump of the clock ends another's lease before its time.

        Not even the death of the other one does, nor a database that is away.
        """
        event_id, now, skew = request.headers["webhook-id"], self.world.elapsed(), self.world.skew
        until, then = self._held.get(event_id, (0.0, skew))
        if now < until and skew == then:
            self.doubled.append(f"{event_id} was posted while another held its lease")
        self._held[event_id] = (now + request.timeout_seconds + LEASE_MARGIN_SECONDS, skew)

    def end(self, request: OutboundRequest) -> None:
        """The worker has its answer: it settles, and the event may be due again at once."""
        self._held.pop(request.headers["webhook-id"], None)

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
        await asyncio.sleep(
            self.world.random.uniform(0, min(self.pace_seconds, request.timeout_seconds))
        )
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
        self._endpoints.begin(request)
        await self._process.point(f"before the post of {event_id}")
        reply = await self._endpoints.answer(request)
        said = reply.status_code if isinstance(reply, Reply) else reply.kind
        self._process.world.note(self._process.name, f"posts {event_id}: {said}")
        await self._process.point(f"after the post of {event_id}")
        self._endpoints.end(request)
        return reply

    async def aclose(self) -> None:
        """Nothing is open."""
