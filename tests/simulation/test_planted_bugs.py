"""The simulation can fail: each planted bug is found within a few seeds, and the seed is named."""

from collections.abc import Iterator

import pytest

from tests.simulation.bugs import BUGS, Plant, an_occurrence_is_logged_in_a_transaction_of_its_own
from tests.simulation.database import Storage
from tests.simulation.import_bugs import IMPORT_BUGS
from tests.simulation.report import describe
from tests.simulation.run import simulate
from tests.simulation.stall_bugs import STALL_BUGS

SEEDS = range(100)
RUSHES = range(3, 403, 4)
OCCURRENCE_KEY = "event_logs_active_occurrence_key"
DEFINITION = "SELECT indexdef FROM pg_indexes WHERE indexname = %s"


@pytest.fixture
def storage_without_the_key(storage: Storage) -> Iterator[Storage]:
    """The database without the index that alone would refuse a second event."""
    [[definition]] = storage.execute(DEFINITION, (OCCURRENCE_KEY,))
    storage.execute(f"DROP INDEX {OCCURRENCE_KEY}")
    yield storage
    storage.clear()
    storage.execute(definition)


@pytest.mark.parametrize("bug", [*BUGS, *IMPORT_BUGS], ids=lambda bug: bug.__name__)
def test_a_planted_bug_is_found(
    storage: Storage, bug: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    bug(monkeypatch)
    found_in(storage)


def test_without_its_index_a_firing_in_two_transactions_is_found(
    storage_without_the_key: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    an_occurrence_is_logged_in_a_transaction_of_its_own(monkeypatch)
    found_in(storage_without_the_key, says="I1: an occurrence is logged once")


@pytest.mark.parametrize("bug", STALL_BUGS, ids=lambda bug: bug.__name__)
def test_a_bug_that_leaves_due_events_alone_is_found(
    storage: Storage, bug: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    bug(monkeypatch)
    found_in(storage, seeds=RUSHES, says="nobody comes")


def found_in(storage: Storage, *, seeds: range = SEEDS, says: str = "") -> None:
    """Run seeds until one fails in this way; its story names it."""
    for seed in seeds:
        result = simulate(seed, storage)
        if result.error is not None and says in result.error:
            assert f"make simulate SEED={seed}" in describe(result)
            return
    raise AssertionError(f"not found in {len(seeds)} seeds")
