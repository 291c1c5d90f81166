"""Processes, Postgres and the queue torn away under load: nothing acknowledged is lost or doubled."""

import os
import signal
import time
from collections.abc import Iterator

import pytest

from tests.e2e.conftest import Record
from tests.e2e.customers import Load, firing
from tests.e2e.load import create_burst
from tests.e2e.platform import ELASTICMQ_URL, Platform, platform
from tests.e2e.receiver import Endpoint
from tests.e2e.waiting import until

pytestmark = pytest.mark.queue

COUNT = 1_000
PATHS = 50
"""Many receivers: a busy one's waiting events are pulled from the database, message or not."""
SLOW_SECONDS = 0.5
"""An answer's time: 250 posts at once, so the burst takes seconds and a kill finds many in flight."""
VISIBILITY_SECONDS = 20
"""So that a killed worker's messages come back in time to be seen: by default it is six minutes."""
AWAY_SECONDS = 60
STOPS = 3

KILLED = "`kill -9` of scheduler, worker and gateway"
QUEUE_LOST = f"queue wiped and away for {AWAY_SECONDS} s"
POSTGRES_STOPPED = "Postgres stopped with `-m immediate`"


@pytest.fixture(scope="module")
def fragile() -> Iterator[Platform]:
    """A platform whose processes are killed."""
    with platform(visibility_seconds=VISIBILITY_SECONDS) as one:
        yield one


@pytest.fixture
def load(fragile: Platform, endpoint: Endpoint) -> Iterator[Load]:
    """A burst that is to come, and a customer who fires all the time."""
    endpoint.slow_down(SLOW_SECONDS, "/burst")
    burst = create_burst(fragile, endpoint.url(""), "/burst", count=COUNT, paths=PATHS)
    with firing(fragile, endpoint) as customer:
        yield Load(fragile, endpoint, burst, customer)


@pytest.mark.fault(KILLED)
def test_killed_worker_scheduler_and_gateway_lose_and_double_nothing(
    fragile: Platform, load: Load, record: Record
) -> None:
    load.wait_for_rows()
    killed = {"scheduler": fragile.kill("scheduler")}
    load.wait_for_deliveries(COUNT // 5)
    killed |= {"worker": fragile.kill("worker"), "gateway": fragile.kill("gateway")}
    struck = time.time()
    for service, pid in killed.items():
        until(lambda: fragile.is_restarted(service, pid), 30, what=f"another {service}")  # noqa: B023
    until(fragile.answers, 60, what="the gateway to answer again")
    load.customer.wait_for_acceptances()
    load.customer.stop()
    record(load.reckon(KILLED, injected=3, since=struck))
    assert set(load.customer.answers) <= {0, 202, 503}, load.customer.answers


@pytest.mark.fault(QUEUE_LOST)
def test_a_queue_that_is_wiped_and_away_for_a_minute_loses_and_doubles_nothing(
    fragile: Platform, load: Load, record: Record
) -> None:
    load.wait_for_rows(COUNT)
    with fragile.without_queue():
        delivered = len(load.endpoint.event_ids(load.burst.path))
        assert delivered < COUNT, "too late: the messages are gone"
        gone = time.time()
        away = 0 if ELASTICMQ_URL else AWAY_SECONDS  # a real queue is only wiped
        until(lambda: time.time() > gone + away, away + 5, what="the time")
    back = time.time()
    load.customer.wait_for_acceptances()
    load.customer.stop()
    record(load.reckon(QUEUE_LOST, injected=1, since=back))
    assert set(load.customer.answers) == {202}, load.customer.answers


@pytest.mark.fault(POSTGRES_STOPPED)
def test_a_stopped_postgres_is_answered_with_503_and_loses_nothing_acknowledged(
    fragile: Platform, load: Load, record: Record
) -> None:
    load.wait_for_deliveries(COUNT // 5)
    for _ in range(STOPS):
        refused = load.customer.answers[503]
        # What `pg_ctl stop -m immediate` sends: no goodbye to anybody, recovery at the next start.
        os.kill(int(fragile.note["services"]["postgres"]), signal.SIGQUIT)
        struck = time.time()
        until(lambda: load.customer.answers[503] > refused, 30, what="a refusal", every=0.01)  # noqa: B023
        load.customer.wait_for_acceptances()
    load.customer.stop()
    record(load.reckon(POSTGRES_STOPPED, injected=STOPS, since=struck))
    assert set(load.customer.answers) == {202, 503}, [one.text for one in load.customer.refusals]
    refusal = load.customer.refusals[0]
    assert refusal.json()["error"]["code"] == "TRY_LATER"
    assert int(refusal.headers["retry-after"]) >= 1
