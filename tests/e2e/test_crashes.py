"""kill -9 of every process in the middle of a burst: nothing acknowledged is lost, nothing logged twice."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from tests.e2e.conftest import Note
from tests.e2e.consistency import check_consistency, connect, final_statuses
from tests.e2e.load import Burst, create_burst
from tests.e2e.platform import Platform, platform
from tests.e2e.receiver import Endpoint
from tests.e2e.waiting import until

COUNT = 1_000
PATHS = 50
"""Many receivers: a busy one's waiting events are pulled from the database, message or not."""
SLOW_SECONDS = 0.5
"""An answer's time: 250 posts at once, so the burst takes seconds and a kill finds many in flight."""
RECOVERY_SECONDS = 120
"""Leases last 12 s here; a lost message is sent again after 60 s."""
VISIBILITY_SECONDS = 20
"""So that a killed worker's messages come back in time to be seen: by default it is six minutes."""


@pytest.fixture(scope="module")
def fragile() -> Iterator[Platform]:
    """A platform whose processes are killed."""
    with platform(visibility_seconds=VISIBILITY_SECONDS) as one:
        yield one


class Customer:
    """Fires a webhook again and again, and remembers what was acknowledged."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.accepted: list[str] = []
        self.answers: Counter[int] = Counter()
        self.refusals: list[httpx.Response] = []

    def fire(self, client: httpx.Client, number: int) -> None:
        try:
            answer = client.post(self.url, json={"number": number})
        except httpx.TransportError:
            self.answers[0] += 1
            return
        self.answers[answer.status_code] += 1
        if answer.status_code == 202:
            self.accepted.append(answer.json()["event_id"])
        else:
            self.refusals.append(answer)


@contextmanager
def firing(url: str) -> Iterator[Customer]:
    """A customer who fires 10 times a second while the block lasts."""
    customer, stop = Customer(url), threading.Event()

    def run() -> None:
        with httpx.Client(timeout=30) as client:
            number = 0
            while not stop.wait(0.1):
                number += 1
                customer.fire(client, number)

    thread = threading.Thread(target=run, name="customer")
    thread.start()
    try:
        yield customer
    finally:
        stop.set()
        thread.join(timeout=40)


def webhook(fragile: Platform, endpoint: Endpoint) -> tuple[str, str]:
    """An API trigger's id and URL."""
    trigger = fragile.create(
        type="api",
        name="orders",
        schema={},
        endpoint={"url": endpoint.url("/api"), "timeout_seconds": 2},
    )
    return trigger["id"], trigger["webhook_url"]


def wait_for_rows(fragile: Platform, burst: Burst, count: int = 1) -> None:
    """Until ticks have written that many of the burst's events and noted their messages as sent."""
    with connect(fragile.database_url) as connection:
        until(
            lambda: (
                connection.execute(
                    "SELECT count(*) >= %s FROM event_logs_active"
                    " WHERE trigger_id = ANY(%s::uuid[]) AND (enqueued_at IS NOT NULL OR %s = 1)",
                    (count, burst.trigger_ids, count),
                ).fetchall()
                == [(True,)]
            ),
            burst.due - time.time() + 30,
            what=f"{count} events",
            every=0.005,
        )


def wait_for_deliveries(endpoint: Endpoint, burst: Burst, count: int) -> None:
    until(
        lambda: len(endpoint.event_ids(burst.path)) >= count,
        burst.due - time.time() + 60,
        what=f"{count} deliveries",
    )


def wait_for_restart(fragile: Platform, service: str, killed: int) -> float:
    """Until another process serves; the seconds that took."""
    began = time.monotonic()
    until(lambda: fragile.is_restarted(service, killed), 30, what=f"another {service}")
    return time.monotonic() - began


def wait_until_all_succeeded(
    fragile: Platform, endpoint: Endpoint, burst: Burst, api_trigger_id: str, accepted: list[str]
) -> None:
    """Every event delivered at least once, logged exactly once, and successful in the end."""
    ids = [*burst.trigger_ids, api_trigger_id]
    try:
        until(
            lambda: (
                set(final_statuses(fragile.database_url, ids)) == {"success"}
                and final_statuses(fragile.database_url, burst.trigger_ids) == {"success": COUNT}
            ),
            burst.due - time.time() + RECOVERY_SECONDS,
            what="every event to succeed",
            every=0.2,
        )
    except AssertionError:
        raise AssertionError(final_statuses(fragile.database_url, ids)) from None
    delivered = endpoint.event_ids()
    assert len(endpoint.event_ids(burst.path)) == COUNT
    assert set(accepted) <= set(delivered)
    check_consistency(fragile.database_url)


def describe(endpoint: Endpoint, burst: Burst) -> str:
    times = endpoint.event_ids(burst.path).values()
    last = max(one.arrived_at for one in endpoint.deliveries(burst.path)) - burst.due
    return f"all delivered {last:.1f} s after they were due, {sum(times) - COUNT} repeated"


def test_killed_worker_scheduler_and_gateway_lose_and_double_nothing(
    fragile: Platform, endpoint: Endpoint, note: Note
) -> None:
    endpoint.slow_down(SLOW_SECONDS)
    api_trigger_id, url = webhook(fragile, endpoint)
    burst = create_burst(fragile, endpoint.url(""), "/functions", count=COUNT, paths=PATHS)
    with firing(url) as customer:
        wait_for_rows(fragile, burst)
        killed = {"scheduler": fragile.kill("scheduler")}
        wait_for_deliveries(endpoint, burst, COUNT // 5)
        killed["worker"] = fragile.kill("worker")
        killed["gateway"] = fragile.kill("gateway")
        for service, pid in killed.items():
            wait_for_restart(fragile, service, pid)
        until(fragile.answers, 60, what="the gateway to answer again")
        before = len(customer.accepted)
        until(lambda: len(customer.accepted) > before + 10, 30, what="further acceptances")
    wait_until_all_succeeded(fragile, endpoint, burst, api_trigger_id, customer.accepted)
    assert set(customer.answers) <= {0, 202, 503}, customer.answers
    note(f"worker, scheduler and gateway killed: {describe(endpoint, burst)}")


def test_a_lost_queue_loses_and_doubles_nothing(
    fragile: Platform, endpoint: Endpoint, note: Note
) -> None:
    endpoint.slow_down(SLOW_SECONDS)
    api_trigger_id, url = webhook(fragile, endpoint)
    burst = create_burst(fragile, endpoint.url(""), "/queue", count=COUNT, paths=PATHS)
    with firing(url) as customer:
        wait_for_rows(fragile, burst, COUNT)
        fragile.lose_queue()
        assert not endpoint.deliveries(burst.path), "too late: the messages are gone already"
        before = len(customer.accepted)
        until(lambda: len(customer.accepted) > before + 10, 30, what="further acceptances")
    wait_until_all_succeeded(fragile, endpoint, burst, api_trigger_id, customer.accepted)
    assert set(customer.answers) == {202}, customer.answers
    note(f"queue lost: {describe(endpoint, burst)}")


def test_a_killed_postgres_is_answered_with_503_and_loses_nothing_acknowledged(
    fragile: Platform, endpoint: Endpoint, note: Note
) -> None:
    endpoint.slow_down(SLOW_SECONDS)
    api_trigger_id, url = webhook(fragile, endpoint)
    burst = create_burst(fragile, endpoint.url(""), "/postgres", count=COUNT, paths=PATHS)
    with firing(url) as customer:
        wait_for_deliveries(endpoint, burst, COUNT // 5)
        began = time.monotonic()
        fragile.kill("postgres")
        until(lambda: customer.answers[503], 30, what="a refusal", every=0.01)
        before = len(customer.accepted)
        until(lambda: len(customer.accepted) > before, 60, what="an acceptance", every=0.01)
        back = time.monotonic() - began
        until(lambda: len(customer.accepted) > before + 10, 30, what="further acceptances")
    wait_until_all_succeeded(fragile, endpoint, burst, api_trigger_id, customer.accepted)
    assert set(customer.answers) == {202, 503}, [one.text for one in customer.refusals]
    refused = customer.refusals[0]
    assert refused.json()["error"]["code"] == "TRY_LATER"
    assert int(refused.headers["retry-after"]) >= 1
    note(f"Postgres killed: API back after {back:.1f} s, {describe(endpoint, burst)}")
