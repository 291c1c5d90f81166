"""When a dead service starts again: quickly at first, then less and less, quickly again after a steady run."""

from pathlib import Path

import pytest

from local.services.logs import Follower
from local.services.service import STEADY_SECONDS, Child, Service, restart_wait


@pytest.fixture
def child(tmp_path: Path) -> Child:
    log = tmp_path / "log"

    def never() -> None:
        raise AssertionError

    return Child(Service("worker", never, log), Follower(log))  # type: ignore[arg-type]


def test_the_first_restart_comes_within_half_a_second() -> None:
    assert restart_wait(1) <= 0.5


def test_the_wait_doubles_up_to_ten_seconds() -> None:
    assert [restart_wait(deaths) for deaths in (1, 2, 3)] == pytest.approx([0.2, 0.4, 0.8])
    assert restart_wait(12) == restart_wait(1000) == 10


def test_quick_deaths_in_a_row_wait_longer_each_time(child: Child) -> None:
    child.started_at = 100.0
    child.died(101.0, 1)
    child.started_at = child.restart_at
    child.died(102.0, -9)
    assert (child.deaths, child.exit_code) == (2, -9)
    assert child.restart_at == pytest.approx(102.4)


def test_a_steady_run_forgets_earlier_deaths(child: Child) -> None:
    child.deaths = 7
    child.started_at = 100.0
    child.died(100.0 + STEADY_SECONDS + 1, 1)
    assert child.deaths == 1
