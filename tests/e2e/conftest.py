"""Platforms and receivers for the end-to-end tests; logs of a failure; figures at the end."""

from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest

from tests.e2e.platform import Platform, platform
from tests.e2e.receiver import Endpoint, listening
from tests.e2e.reliability import Row, keep

HERE = Path(__file__).parent
FIGURES = pytest.StashKey[list[str]]()
Note = Callable[[str], None]
Record = Callable[[Row], None]
TEST_SECONDS = 400
"""For one test with the starts of its platforms, all at their worst."""
HURRIED_ACTIVE_SECONDS = 5
HURRIED_ARCHIVE_SECONDS = 10


def pytest_configure(config: pytest.Config) -> None:
    config.stash[FIGURES] = []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.e2e)
            item.add_marker(pytest.mark.timeout(TEST_SECONDS))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if HERE in item.path.parents and report.failed:
        for one in Platform.running:
            for name, tail in one.log_tails():
                report.sections.append((f"{one.folder.name}: end of {name}.log", tail))
    return report


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if config.stash.get(FIGURES, []):
        terminalreporter.section("measured end to end")
        for line in config.stash[FIGURES]:
            terminalreporter.line(line)


@pytest.fixture
def note(request: pytest.FixtureRequest) -> Note:
    """Have a measured figure printed at the end of the run: speed is reported here, not judged."""
    return request.config.stash[FIGURES].append


@pytest.fixture
def record(request: pytest.FixtureRequest, note: Note) -> Record:
    """Have a fault's row appear in docs/reliability.md, if the test's marker names the fault."""
    [marker] = [mark for mark in request.node.own_markers if mark.name == "fault"]

    def take(row: Row) -> None:
        assert row.fault in marker.args
        keep(row)
        note(
            f"{row.fault}: {row.injected} x, {row.at_risk} events at risk, {row.lost} lost, "
            f"{row.duplicates} doubled, {row.repeats} repeated, back after {row.recovery_seconds:.1f} s"
        )

    return take


@pytest.fixture(scope="session")
def shared() -> Iterator[Platform]:
    """A platform with ordinary settings for all tests that leave it as they found it."""
    with platform() as one:
        yield one


@pytest.fixture(scope="session")
def hurried() -> Iterator[Platform]:
    """A platform whose logs live for seconds, and whose queue hands out a message every 2 s."""
    settings = {
        "ACTIVE_SECONDS": str(HURRIED_ACTIVE_SECONDS),
        "ARCHIVE_SECONDS": str(HURRIED_ARCHIVE_SECONDS),
        "RETENTION_SECONDS": "1",
    }
    with platform(settings, visibility_seconds=2) as one:
        yield one


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """A customer's endpoint that answers 200."""
    with listening() as one:
        yield one
