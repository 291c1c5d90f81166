"""What is measured of every peer, all of it from outside: by arrivals at the one receiver."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import partial

import httpx

from tests.bench.measure import cpu_seconds
from tests.league.figures import (
    Arrivals,
    Figures,
    last_first_arrival,
    lateness,
    outcome,
    percentile,
)
from tests.league.generator import Order
from tests.league.peers.base import Job, Peer, TooLate
from tests.league.processes import frozen, memory_mb

ENDPOINTS = 20
SPARE_SECONDS = 2.5
QUIET_SECONDS = 15.0
"""Nothing more is expected once so long nothing has arrived."""
QUIET_AFTER_FAULT_SECONDS = 75.0
"""After a fault leases must run out: the longest here, stalled jobs that are looked for each minute."""
LIMIT_SECONDS = 150.0
STRUCK_SHARE = 0.1
FROZEN_SECONDS = 10.0
TRIES = 4
ALIKE_COUNT = 2_000
"""A larger burst to one endpoint is not measured where one and twenty take the same way."""


class Field:
    """One peer that runs, and the receiver. Ids are new in every section, so none meet."""

    def __init__(self, peer: Peer, receiver_port: int) -> None:
        self.peer = peer
        self.receiver = f"http://127.0.0.1:{receiver_port}"
        self._used = 0
        self._slack = 1.0

    def ids(self, count: int) -> list[str]:
        self._used += count
        return [f"{number}" for number in range(self._used - count, self._used)]

    def jobs(self, due: Iterable[float], endpoints: int) -> list[Job]:
        times = list(due)
        urls = [f"{self.receiver}/{number}" for number in range(endpoints)]
        named = zip(self.ids(len(times)), times, strict=True)
        return [Job(name, at, urls[n % endpoints]) for n, (name, at) in enumerate(named)]

    def arrivals(self) -> dict[str, list[float]]:
        return dict(httpx.get(self.receiver, timeout=60).json())

    def arrived(self) -> int:
        return int(httpx.get(f"{self.receiver}/count", timeout=60).json())

    def forget(self) -> None:
        httpx.delete(self.receiver)

    def settle(self, jobs: Sequence[Job], quiet: float = QUIET_SECONDS) -> Arrivals:
        """The arrivals once all have come, or once nothing has come for `quiet` seconds."""
        last_due = max(job.due for job in jobs)
        changed, seen = time.time(), -1
        while (now := self.arrived()) < len(jobs):
            if now != seen:
                changed, seen = time.time(), now
            if time.time() > min(max(changed, last_due) + quiet, last_due + LIMIT_SECONDS):
                break
            time.sleep(0.05)
        time.sleep(0.3)  # for what comes twice
        return self.arrivals()

    def schedule(self, offsets: Sequence[float], endpoints: int) -> tuple[list[Job], float]:
        """Schedule jobs at these seconds after a moment far enough ahead; how many a second."""
        for _ in range(TRIES):
            self.forget()
            expected = len(offsets) / self.peer.schedules_per_second
            lead = self._slack * (SPARE_SECONDS + 1.3 * expected)
            began = time.time()
            jobs = self.jobs((began + lead + offset for offset in offsets), endpoints)
            try:
                self.peer.schedule(jobs)
            except TooLate:
                took = 2 * lead
            else:
                took = time.time() - began
            if took < lead - 1:
                self.peer.took(len(jobs), took)
                return jobs, len(jobs) / took
            self._slack *= 2
            self.settle(jobs)
        raise RuntimeError(f"{len(offsets)} jobs were not scheduled in time")


def warm_up(field: Field, count: int = 50) -> None:
    """A small burst, so that no first time counts; a peer that does not deliver it does not run."""
    jobs, _ = field.schedule([0.0] * count, ENDPOINTS)
    if lost := outcome(_due(jobs), field.settle(jobs))["lost"]:
        raise RuntimeError(f"{lost:.0f} of {count} jobs did not arrive when all was well")


def burst(field: Field, count: int, endpoints: int) -> Figures:
    """Many jobs due at once: how late they come, and what one costs."""
    alike = endpoints == 1 and not field.peer.tells_endpoints_apart
    if count > field.peer.largest_burst or (alike and count > ALIKE_COUNT):
        return {}
    jobs, per_second = field.schedule([0.0] * count, endpoints)
    before = cpu_seconds(field.peer.pids())
    arrivals = field.settle(jobs)
    used = sum(cpu_seconds(field.peer.pids()).values()) - sum(before.values())
    return {
        **lateness(_due(jobs), arrivals),
        **outcome(_due(jobs), arrivals),
        "CPU each": used / count * 1000,
        "memory": memory_mb(field.peer.pids().values()),
        "scheduled": per_second,
    }


def spread_out(field: Field, per_second: int, seconds: int) -> Figures:
    """Jobs due one after the other: how late single ones come, in ms."""
    offsets = [number / per_second for number in range(per_second * seconds)]
    jobs, _ = field.schedule(offsets, ENDPOINTS)
    arrivals = field.settle(jobs)
    return lateness(_due(jobs), arrivals, 1000) | outcome(_due(jobs), arrivals)


def accepts(field: Field, per_second: int, count: int) -> Figures:
    """Jobs handed in over HTTP, to be delivered at once, in ms; `per_second` 0 is saturation."""
    intake = field.peer.intake(f"{field.receiver}/accepts")
    if intake is None:
        return {}
    field.forget()
    order = Order(field.ids(count), per_second=per_second, **asdict(intake))
    ran = subprocess.run(
        [sys.executable, "-m", "tests.league.generator"],
        input=json.dumps(asdict(order)),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    times: dict[str, tuple[float, float]] = json.loads(ran.stdout)
    jobs = [Job(name, sent, intake.url) for name, (sent, _) in times.items()]
    arrivals = field.settle(jobs)
    answers = [(answered - sent) * 1000 for sent, answered in times.values()]
    begin, taken = min(_due(jobs).values()), max(answered for _, answered in times.values())
    return {
        "accept p50": percentile(answers, 0.5),
        "accept p99": percentile(answers, 0.99),
        **lateness(_due(jobs), arrivals, 1000),
        **outcome(_due(jobs), arrivals),
        "accepted": count / (taken - begin),
        "delivered": count / (last_first_arrival(_due(jobs), arrivals) - begin),
    }


def idle(field: Field, count: int, seconds: float) -> Figures:
    """With jobs that are due tomorrow and nothing to do: CPU in % of one core, and memory."""
    tomorrow = time.time() + 86_400
    field.peer.schedule(field.jobs([tomorrow] * count, ENDPOINTS))
    time.sleep(3)
    pids = field.peer.pids()
    before, began = cpu_seconds(pids), time.monotonic()
    time.sleep(seconds)
    used = sum(cpu_seconds(pids).values()) - sum(before.values())
    return {"CPU": used / (time.monotonic() - began) * 100, "memory": memory_mb(pids.values())}


def killed(field: Field, count: int) -> Figures:
    """SIGKILL every process but the store in the midst of a burst, and start them again at once."""
    jobs = _struck(field, count)
    at_risk = count - field.arrived()
    began = time.time()
    field.peer.kill()
    field.peer.restart()
    restarted = time.time()
    return _after_fault(field, jobs, restarted) | {
        "at risk": float(at_risk),
        "restart": restarted - began,
    }


def store_away(field: Field, count: int) -> Figures:
    """Freeze the store for some seconds in the midst of a burst."""
    jobs = _struck(field, count)
    at_risk = count - field.arrived()
    with frozen(field.peer.store_pids()):
        time.sleep(FROZEN_SECONDS)
    return _after_fault(field, jobs, time.time()) | {"at risk": float(at_risk)}


def _struck(field: Field, count: int) -> list[Job]:
    """Schedule a burst, and return once a share of it has arrived."""
    jobs, _ = field.schedule([0.0] * count, ENDPOINTS)
    time.sleep(max(0.0, jobs[0].due - time.time()))
    while field.arrived() < count * STRUCK_SHARE:
        if time.time() > jobs[0].due + QUIET_SECONDS:
            raise RuntimeError("the burst did not begin")
        time.sleep(0.005)
    return jobs


def _after_fault(field: Field, jobs: Sequence[Job], over: float) -> Figures:
    arrivals = field.settle(jobs, QUIET_AFTER_FAULT_SECONDS)
    last = last_first_arrival(_due(jobs), arrivals)
    return outcome(_due(jobs), arrivals) | {"recovery": max(0.0, last - over)}


def _due(jobs: Sequence[Job]) -> dict[str, float]:
    return {job.id: job.due for job in jobs}


@dataclass(frozen=True)
class Section:
    """A measurement with its heading in the page, and how many rounds it takes at most."""

    heading: str
    measure: Callable[[Field], Figures]
    quick: bool = False
    rounds: int = 100
    """No more than these, however many are asked for."""


SECTIONS = {
    "burst-2000": Section(
        "2,000 due at once, twenty endpoints",
        partial(burst, count=2_000, endpoints=ENDPOINTS),
        quick=True,
    ),
    "burst-2000-one": Section(
        "2,000 due at once, one endpoint", partial(burst, count=2_000, endpoints=1), rounds=1
    ),
    "burst-10000": Section(
        "10,000 due at once, twenty endpoints",
        partial(burst, count=10_000, endpoints=ENDPOINTS),
        rounds=1,
    ),
    "burst-10000-one": Section(
        "10,000 due at once, one endpoint", partial(burst, count=10_000, endpoints=1), rounds=1
    ),
    "spread": Section(
        "100 due a second", partial(spread_out, per_second=100, seconds=5), quick=True
    ),
    "accept-50": Section(
        "50 accepted a second", partial(accepts, per_second=50, count=250), rounds=1
    ),
    "accept-100": Section(
        "100 accepted a second", partial(accepts, per_second=100, count=500), quick=True
    ),
    "accept-200": Section(
        "200 accepted a second", partial(accepts, per_second=200, count=1_000), rounds=1
    ),
    "saturation": Section(
        "Accepted as fast as answered", partial(accepts, per_second=0, count=3_000), quick=True
    ),
    "killed": Section("Killed in a burst", partial(killed, count=2_000), quick=True, rounds=1),
    "store-away": Section("The store away in a burst", partial(store_away, count=2_000), rounds=1),
    "idle": Section("Nothing to do", partial(idle, count=1_000, seconds=5.0), rounds=1),
}
"""In this order: the faults come late, since what they leave behind could disturb the others."""
