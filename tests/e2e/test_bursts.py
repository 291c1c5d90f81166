"""Many triggers due in the same second, two schedulers at once: each fires and arrives exactly once."""

import subprocess
import time
from collections.abc import Iterator

import pytest

from tests.e2e.conftest import Note
from tests.e2e.consistency import check_consistency, final_statuses
from tests.e2e.load import Burst, create_burst
from tests.e2e.platform import Platform
from tests.e2e.receiver import Endpoint
from tests.e2e.waiting import until

pytestmark = pytest.mark.queue

COUNT = 1_000


@pytest.fixture
def second_scheduler(shared: Platform) -> Iterator[None]:
    """One more scheduler beside the platform's own, which keeps ticking too."""
    with (shared.folder / "second-scheduler.log").open("ab") as log:
        process = subprocess.Popen(
            shared.command("scheduler"), env=shared.service_environment(), stdout=log, stderr=log
        )
    try:
        yield
        assert process.poll() is None, "the second scheduler ended on its own"
    finally:
        process.terminate()
        process.wait(timeout=30)


@pytest.mark.usefixtures("second_scheduler")
def test_a_thousand_due_at_once_are_each_delivered_once_twice_in_a_row(
    shared: Platform, endpoint: Endpoint, note: Note
) -> None:
    for turn in ("first", "second"):
        burst = create_burst(shared, endpoint.url(""), f"/{turn}", count=COUNT)
        wait_until_delivered_and_logged(shared, endpoint, burst)
        arrivals = [one.arrived_at - burst.due for one in endpoint.deliveries(burst.path)]
        note(
            f"{COUNT} at once, {turn} time, two schedulers: first after {min(arrivals):.2f} s, "
            f"last after {max(arrivals):.2f} s"
        )
        assert min(arrivals) >= 0
        assert set(endpoint.event_ids(burst.path).values()) == {1}
        check_consistency(shared.database_url)


def wait_until_delivered_and_logged(shared: Platform, endpoint: Endpoint, burst: Burst) -> None:
    until(
        lambda: len(endpoint.event_ids(burst.path)) >= COUNT,
        burst.due - time.time() + 60,
        what=f"{COUNT} deliveries",
    )
    done = {"success": COUNT}
    until(
        lambda: final_statuses(shared.database_url, burst.trigger_ids) == done,
        20,
        what="every log to say so",
    )
