"""SIGTERM under load: what is in flight is finished, nothing is lost, nothing is sent twice."""

import os
import signal
import time
from collections.abc import Iterator

import psutil
import pytest

from tests.e2e.conftest import Note, Record
from tests.e2e.customers import Load, firing
from tests.e2e.load import create_burst
from tests.e2e.platform import Platform, gone, platform
from tests.e2e.receiver import Endpoint
from tests.e2e.waiting import until

pytestmark = pytest.mark.queue

COUNT = 300
PATHS = 100
SLOW_SECONDS = 0.5
"""An answer's time, so that a signal finds many in flight."""
EXIT_SECONDS = 20.0

WORKER, PLATFORM = "SIGTERM of the worker", "SIGTERM of the whole platform"


@pytest.fixture(scope="module")
def stopping() -> Iterator[Platform]:
    with platform() as one:
        yield one


@pytest.fixture
def load(stopping: Platform, endpoint: Endpoint) -> Iterator[Load]:
    """A burst in flight, and a customer who fires all the time."""
    endpoint.slow_down(SLOW_SECONDS, "/burst")
    burst = create_burst(stopping, endpoint.url(""), "/burst", count=COUNT, paths=PATHS)
    with firing(stopping, endpoint) as customer:
        load = Load(stopping, endpoint, burst, customer)
        load.wait_for_deliveries(COUNT // 5)
        yield load


@pytest.mark.fault(WORKER)
def test_a_worker_that_is_asked_to_stop_finishes_what_it_has(
    stopping: Platform, load: Load, record: Record, note: Note
) -> None:
    worker = psutil.Process(int(stopping.note["services"]["worker"]))
    struck = time.time()
    os.kill(worker.pid, signal.SIGTERM)
    until(lambda: gone([worker]), EXIT_SECONDS, what="the worker to end", every=0.01)
    note(f"{WORKER}: ended after {time.time() - struck:.1f} s")
    load.customer.wait_for_acceptances()
    load.customer.stop()
    row = load.reckon(WORKER, injected=1, since=struck)
    assert row.repeats == 0
    record(row)


@pytest.mark.fault(PLATFORM)
def test_a_platform_that_is_asked_to_stop_finishes_what_it_has_and_goes_on_later(
    stopping: Platform, load: Load, record: Record, note: Note
) -> None:
    struck = time.time()
    stopping.stop(signal.SIGTERM)
    took = time.time() - struck
    assert took <= EXIT_SECONDS
    note(f"{PLATFORM}: ended after {took:.1f} s")
    load.customer.stop()
    stopping.start()
    row = load.reckon(PLATFORM, injected=1, since=time.time())
    assert row.repeats == 0
    assert set(load.customer.answers) <= {0, 202}, load.customer.answers
    record(row)
